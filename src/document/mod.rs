//! Every file that we write or serve, versioned; domain types know nothing of it.

pub mod v1;
