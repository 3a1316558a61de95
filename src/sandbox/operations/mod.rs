//! The operations of the API: a checked request in, an answer or a refusal out.

mod commands;
mod fiscal;
mod guests;
mod property;
mod store;

use super::{
    cloud::Cloud,
    envelope::{Answer, Refusal},
};
pub(super) use property::configuration;
use serde_json::{Map, Value};
pub(super) use store::Store;

/// A request whose tokens are good.
pub(super) struct Call<'a> {
    pub(super) cloud: &'a Cloud,
    pub(super) hotel: usize,
    pub(super) body: &'a Map<String, Value>,
    /// Whether the client will get the answer; a lost one is noted in the history as none.
    pub(super) is_answered: bool,
}

type Handler = fn(&Call<'_>) -> Result<Answer, Refusal>;

/// The exact names, and who answers.
const OPERATIONS: &[(&str, Handler)] = &[
    ("commands/getAllByIds", commands::get_all_by_ids),
    ("commands/getAllActive", commands::get_all_active),
    ("commands/update", commands::update),
    ("commands/addPrinter", commands::add_printer),
    ("commands/addKeyCutter", commands::add_key_cutter),
    (
        "commands/addPaymentTerminal",
        commands::add_payment_terminal,
    ),
    ("fiscalMachineCommands/getAll", fiscal::get_all),
    ("devices/getAll", property::devices),
    ("configuration/get", property::configuration_get),
    ("orderItems/getAll", property::order_items),
    ("payments/getAll", property::payments),
    ("companionships/getAll", guests::companionships),
    ("customers/getAll", guests::customers),
    ("customers/update", guests::update_customer),
    ("customers/addFile", guests::add_file),
    ("identityDocuments/getAll", guests::documents),
    ("identityDocuments/add", guests::add_documents),
    ("identityDocuments/update", guests::update_documents),
];

/// The operation of this name, compared exactly.
pub(super) fn find(name: &str) -> Option<Handler> {
    OPERATIONS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, handler)| *handler)
}

/// All names, for the page.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|(name, _)| *name)
}
