//! A table with a header, whose columns have the names of the fields, or those that the operator names.

use super::fields::{Layout, Target};
use super::table::TableFormat;

#[derive(Debug)]
pub(super) struct Plain;

impl TableFormat for Plain {
    fn layout(&self) -> Layout {
        Target::ALL
    }

    fn required(&self) -> &'static [Target] {
        &[Target::Email]
    }
}
