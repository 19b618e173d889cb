//! What is offered at Tab, with the values there are.

mod at_tab;
mod look_up;
mod roster;
mod shells;

pub(crate) use at_tab::at_tab;
