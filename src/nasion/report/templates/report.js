"use strict";
for (const photo of document.querySelectorAll(".photo")) {
  const stage = photo.querySelector(".stage");
  for (const input of photo.querySelectorAll("input")) {
    const apply = () => {
      if (input.name === "opacity") stage.style.setProperty("--opacity", input.value / 100);
      else if (input.name === "wipe") {
        stage.style.setProperty("--wipe", input.value + "%");
        stage.classList.toggle("wiping", input.value > 0 && input.value < 100);
      } else stage.classList.toggle("hide-" + input.name, !input.checked);
    };
    input.addEventListener("input", apply);
    apply();
  }
}
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const part of opened) part.open = true;
});
addEventListener("afterprint", () => { for (const part of opened) part.open = false; });
