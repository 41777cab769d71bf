//! `Notice`: a file becomes local once the provider has agreed, which it is asked once however many want it.

use projfs_types::NodeId;

use super::Converting;
use super::Visit;
use crate::Engine;
use crate::error::Result;
use crate::port::Context;
use crate::transition::Ask;

/// How far it has come that a file may be converted.
pub(crate) enum Notice {
    /// Nobody was asked.
    Due,
    /// Nobody else converts the file. By now it may have been converted.
    Alone(Converting, Box<Visit>),
    /// The provider has agreed, or does not want to hear of it. Nobody else converts the file until this is dropped.
    Given(#[expect(dead_code, reason = "held, not read")] Option<Converting>),
}

impl Notice {
    /// Whether the provider must be asked before what the state machine wants to be asked.
    pub(crate) fn is_due(&self, ask: Ask) -> bool {
        ask == Ask::ConvertToFull && !matches!(self, Self::Given(_))
    }
}

impl Engine {
    /// What has to precede the conversion of a node.
    pub(crate) fn notice(&self, node: Option<NodeId>) -> Notice {
        if self.notifier.is_silent() || node.is_none() { Notice::Given(None) } else { Notice::Due }
    }

    /// Takes the next step; look again after it.
    ///
    /// # Errors
    /// `WouldWait`; `Interrupted`; the provider's refusal.
    pub(crate) fn give_notice(
        &self,
        context: &Context<'_>,
        node: Option<NodeId>,
        notice: Notice,
    ) -> Result<Notice> {
        match (notice, node) {
            (Notice::Due, Some(node)) => Ok(match self.visit(context, node)? {
                Some(visit) if visit.asks(Ask::ConvertToFull) => {
                    Notice::Alone(self.convert_alone(context, node)?, Box::new(visit))
                }
                _ => Notice::Given(None),
            }),
            (Notice::Alone(converting, visit), _) => {
                self.authorize_step(context, Some(&visit), Ask::ConvertToFull, None)?;
                Ok(Notice::Given(Some(converting)))
            }
            (Notice::Due | Notice::Given(_), _) => Ok(Notice::Given(None)),
        }
    }
}
