//! Extended attributes.

use super::Call;
use crate::wire::reply::Reply;
use crate::wire::reply::Served;

impl Call<'_> {
    pub(super) fn getxattr(&self, name: &[u8], size: u32, reply: &mut Reply<'_>) -> Served {
        let value = self.engine.get_xattr(&self.context, self.node(), name)?;
        reply.attribute(size, &value)
    }

    pub(super) fn listxattr(&self, size: u32, reply: &mut Reply<'_>) -> Served {
        let names = self.engine.list_xattr(&self.context, self.node())?;
        reply.attribute(size, &names)
    }

    pub(super) fn setxattr(&self, name: &[u8], value: &[u8], flags: u32, reply: &mut Reply<'_>) -> Served {
        self.engine.set_xattr(&self.context, self.node(), name, value, flags)?;
        reply.empty()
    }

    pub(super) fn removexattr(&self, name: &[u8], reply: &mut Reply<'_>) -> Served {
        self.engine.remove_xattr(&self.context, self.node(), name)?;
        reply.empty()
    }
}
