"""The pictures of docs/lilium.md, from real runs on built-in virtual people; ``docs/make_figures.py`` draws them."""
