//! Being the only one who works on a tenant, and the operation that says so.

pub(super) mod hold;
