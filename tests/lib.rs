//! Stories and house rules. Each file beside this one is a test binary: `tidy` reads the tree,
//! `story` and `crash` run the built program.
