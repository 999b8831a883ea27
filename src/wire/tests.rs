//! Messages to meaning and back.

mod strike;
