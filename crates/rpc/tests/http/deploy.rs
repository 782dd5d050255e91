//! The files in `deploy/` speak of figures that exist.
