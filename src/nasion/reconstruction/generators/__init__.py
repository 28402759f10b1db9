"""Image translators from a skull radiograph, or a sketch, to a face (FCR): CycleGAN, pix2pix, CUT, FastCUT."""
