//! A closed bill of Mews as a bill in the fiscal drivers' words.
//!
//! Only names and shapes change here. Which list counts, which payments count and what a rebate
//! means is decided by the drivers' common core.

use std::collections::BTreeMap;

use driver_sdk as sdk;
use driver_sdk::Personal;
use rust_decimal::Decimal;

use crate::mews::wire;

/// The whole work of a fiscal machine.
pub(super) fn work(data: wire::FiscalMachineData) -> sdk::FiscalWork {
    sdk::FiscalWork {
        machine_id: data.fiscal_machine_id,
        api_url: data.api_url,
        data: data.fiscal_machine_data,
        tax_identifier: data.tax_identifier,
        bill: bill(data.bill),
        italian: data.bill_fiscal_machine_data.map(|data| match data {
            wire::BillFiscalMachineData::Italian(data) => sdk::Extra::Known(italian(data)),
            wire::BillFiscalMachineData::Unknown(kind) => sdk::Extra::Unknown(kind),
        }),
        payload: data.payload_data.map(|data| match data {
            wire::PayloadData::Italian(base64) => sdk::Extra::Known(base64),
            wire::PayloadData::Unknown(kind) => sdk::Extra::Unknown(kind),
        }),
    }
}

fn italian(data: wire::ItalianFiscalMachineData) -> sdk::ItalianData {
    sdk::ItalianData {
        is_refund: data.is_refund,
        receipt_number: data.rebated_receipt_number,
        receipt_sequence: data.rebated_receipt_sequence,
        receipt_time: data.rebated_receipt_date_time_utc,
        printer_serial: data.printer_serial_number,
    }
}

fn bill(bill: wire::Bill) -> sdk::Bill {
    let owner = match (bill.owner_data, bill.owner) {
        (Some(wire::OwnerData::Customer(customer)), _) => Some(customer_party(*customer)),
        (Some(wire::OwnerData::Company(company)), _) => Some(company_party(*company)),
        (Some(wire::OwnerData::Unknown(_)) | None, owner) => owner.and_then(party),
    };
    let mut associated = bill
        .associated_account_data
        .into_iter()
        .chain(bill.associated_accounts_data);
    sdk::Bill {
        id: bill.id,
        enterprise_id: bill.enterprise_id,
        number: bill.number,
        variable_symbol: bill.variable_symbol,
        purchase_order_number: bill.purchase_order_number,
        closed: bill.state == wire::BillState::Closed,
        kind: sdk::BillKind::from(bill.kind.as_str()),
        issued: bill.issued_utc,
        taxed: bill.taxed_utc,
        due: bill.due_utc,
        display_customer: bill.options.and_then(|options| options.display_customer),
        revenue: bill
            .revenue
            .map(|lines| lines.into_iter().map(revenue).collect()),
        order_items: bill
            .order_items
            .map(|items| items.into_iter().map(order_item).collect()),
        payments: bill
            .payments
            .map(|lines| lines.into_iter().map(payment).collect()),
        payment_items: bill
            .payment_items
            .map(|items| items.into_iter().map(payment_item).collect()),
        owner,
        associated: associated.find_map(party),
        seller: bill.enterprise_data.map(|data| sdk::Seller {
            company: data.company_name,
            additional_tax_identifier: data.additional_tax_identifier,
        }),
        // Anything but an ordinary bill is a correction: an unknown word must not pass as a sale.
        correction: (bill.correction_state != wire::CorrectionState::Bill
            || bill.correction_type.is_some()
            || bill.corrected_bill_id.is_some())
        .then(|| sdk::Correction {
            kind: bill
                .correction_type
                .map(|kind| sdk::CorrectionKind::from(kind.as_str())),
            corrected: bill.corrected_bill_id,
        }),
    }
}

fn revenue(line: wire::AccountingItem) -> sdk::BillItem {
    sdk::BillItem {
        id: line.id,
        name: line.name,
        kind: sdk::ItemKind::from(line.sub_type.as_str()),
        rebates: None,
        count: None,
        unit_gross: None,
        canceled: canceled(&line.state),
        amount: line.amount.map(amount),
        tax_exemption_reason: line.tax_exemption_reason_code,
    }
}

fn order_item(item: wire::OrderItem) -> sdk::BillItem {
    let (kind, value) = item
        .data
        .map(|data| (data.discriminator, data.value))
        .unwrap_or_default();
    sdk::BillItem {
        id: item.id,
        name: None,
        kind: sdk::ItemKind::from(kind.as_str()),
        rebates: value.and_then(|value| value.rebated_item_id),
        count: Some(item.unit_count),
        unit_gross: item.unit_amount.map(|amount| amount.gross_value),
        canceled: canceled(&item.accounting_state) || item.canceled_utc.is_some(),
        amount: Some(amount(item.amount)),
        tax_exemption_reason: None,
    }
}

fn payment(line: wire::AccountingItem) -> sdk::BillPayment {
    sdk::BillPayment {
        id: line.id,
        means: sdk::PaymentMeans::from(line.sub_type.as_str()),
        state: line
            .sub_state
            .map(|state| sdk::PaymentState::from(state.as_str())),
        canceled: canceled(&line.state),
        amount: line.amount.map(amount),
    }
}

fn payment_item(item: wire::PaymentItem) -> sdk::BillPayment {
    let means = item.data.map(|data| data.discriminator).unwrap_or_default();
    sdk::BillPayment {
        id: item.id,
        means: sdk::PaymentMeans::from(means.as_str()),
        state: Some(sdk::PaymentState::from(item.state.as_str())),
        canceled: canceled(&item.accounting_state),
        amount: Some(amount(item.amount)),
    }
}

pub(super) fn canceled(state: &wire::AccountingState) -> bool {
    matches!(
        state,
        wire::AccountingState::Canceled | wire::AccountingState::Inactive
    )
}

pub(super) fn amount(amount: wire::Amount) -> sdk::Amount {
    let parts = amount.breakdown.items.into_iter().map(|item| sdk::TaxPart {
        code: item.tax_rate_code,
        net: item.net_value,
        tax: item.tax_value.unwrap_or(Decimal::ZERO),
    });
    sdk::Amount {
        currency: amount.currency,
        net: amount.net_value,
        gross: amount.gross_value,
        parts: parts.collect(),
    }
}

/// The newer style of an account; `None` where it has neither of the two.
fn party(account: wire::AccountSnapshot) -> Option<sdk::Party> {
    let company = account.bill_company_data.map(company_party);
    company.or_else(|| account.bill_customer_data.map(customer_party))
}

fn customer_party(customer: wire::CustomerSnapshot) -> sdk::Party {
    let names = [
        &customer.first_name,
        &customer.last_name,
        &customer.second_last_name,
    ];
    let (address, country) = address(customer.address);
    sdk::Party {
        company: false,
        name: Personal::new(joined(&names, " ")),
        tax_identifier: customer.tax_identifier,
        fiscal_identifier: None,
        additional_tax_identifier: None,
        billing_code: customer.billing_code,
        address,
        country,
        legal_identifiers: identifiers(customer.legal_identifiers),
    }
}

fn company_party(company: wire::CompanySnapshot) -> sdk::Party {
    let (address, country) = address(company.address);
    sdk::Party {
        company: true,
        name: company.name.unwrap_or_default(),
        tax_identifier: company.tax_identifier,
        fiscal_identifier: company.fiscal_identifier,
        additional_tax_identifier: company.additional_tax_identifier,
        billing_code: company.billing_code,
        address,
        country,
        legal_identifiers: identifiers(company.legal_identifiers),
    }
}

/// The lines of an envelope, and the country.
fn address(address: Option<wire::Address>) -> (Vec<Personal<String>>, Option<String>) {
    let Some(address) = address else {
        return (Vec::new(), None);
    };
    let city = joined(&[&address.postal_code, &address.city], " ");
    let lines = [
        joined(&[&address.line1], ""),
        joined(&[&address.line2], ""),
        city,
    ];
    let lines = lines
        .into_iter()
        .filter(|line| !line.is_empty())
        .map(Personal::new);
    (lines.collect(), address.country_code)
}

fn joined(parts: &[&Option<Personal<String>>], with: &str) -> String {
    let parts = parts.iter().filter_map(|part| part.as_ref());
    let texts = parts
        .map(|part| part.reveal().trim())
        .filter(|text| !text.is_empty());
    texts.collect::<Vec<_>>().join(with)
}

fn identifiers(
    all: BTreeMap<String, Option<Personal<String>>>,
) -> BTreeMap<String, Personal<String>> {
    all.into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}
