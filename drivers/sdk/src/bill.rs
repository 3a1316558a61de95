//! A bill as fiscal drivers see it.

use serde::{Deserialize, Serialize};

use crate::personal::Personal;

/// Issue a fiscal document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FiscalWork {
    /// The machine in the hotel's terms.
    pub machine_id: Option<String>,
    /// The machine's address as staff typed it.
    pub api_url: Option<String>,
    /// The hotel's "Data JSON": JSON inside a string, free form.
    pub data: Option<Personal<String>>,
}
