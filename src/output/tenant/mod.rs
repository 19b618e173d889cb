//! Tenants, as people and programs read them.

mod life;
mod list;
mod record;
mod show;

pub(crate) use life::{
    render_create, render_create_plan, render_delete, render_due, render_due_plan,
    render_life_plan, render_purge, render_restore,
};
pub(crate) use list::{TenantLines, TenantShape};
pub(crate) use record::{
    render_address, render_protect, render_protect_plan, render_rotate_plan, render_update,
};
pub(crate) use show::render_tenant;
