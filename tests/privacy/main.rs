//! Nothing personal stands where it does not belong: the demo estate after its year, byte for byte, and the
//! drill of a leak as the guide tells it.

mod answers;
mod leak;
mod members;
mod scan;
