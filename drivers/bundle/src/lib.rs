//! The drivers this build ships.

use driver_sdk::DriverKind;

/// Every kind of device this build can drive. A new driver is one line here.
pub const KINDS: &[&dyn DriverKind] = &[
    &driver_datecs::Datecs,
    &driver_epson_rt::EpsonRt,
    &driver_escpos::EscPos,
    &driver_fias::Fias,
    &driver_pms_industry_standard::PmsIndustryStandard,
];
