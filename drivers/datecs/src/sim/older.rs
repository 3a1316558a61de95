//! The older dialect as the printer understands it: commas, letters, no error codes.

use driver_fiscal::money;
use encoding_rs::WINDOWS_1251;

use super::commands::thousandths;
use super::machine::Machine;
use super::wire::Request;
use crate::frame::Dialect;

/// Why the status bits say no: not understood, or not permitted (which shows as an answer `F`).
enum No {
    Syntax,
    Refused,
}

impl From<i32> for No {
    fn from(_: i32) -> Self {
        Self::Refused
    }
}

impl Machine {
    pub fn execute_old(&mut self, request: &Request) -> (Vec<u8>, bool) {
        let (text, _) = WINDOWS_1251.decode_without_bom_handling(&request.data);
        self.not_permitted = false;
        match self.old(request.command, &text, &request.data) {
            Ok(_) if request.command == 74 => (self.status(false), false),
            Ok(answer) => (answer.into_bytes(), false),
            Err(No::Syntax) => (Vec::new(), true),
            // A payment says it in its answer, everything else in the status.
            Err(No::Refused) if request.command == 53 => (b"F".to_vec(), false),
            Err(No::Refused) => (self.refuses(), false),
        }
    }

    /// Status 1.1, and no data.
    pub fn refuses(&mut self) -> Vec<u8> {
        self.not_permitted = true;
        Vec::new()
    }

    fn old(&mut self, command: u8, text: &str, data: &[u8]) -> Result<String, No> {
        match command {
            // Six raw bytes, which are no text.
            74 => Ok(String::new()),
            48 if text == "*" && self.faults.last_untold => Err(No::Syntax),
            48 if text == "*" => Ok(self.old_last()),
            48 if text.is_empty() => Ok(self.old_running()),
            48 => self.old_open(text),
            46 => self.old_storno(text),
            49 => self.old_sale(text, data),
            53 => self.old_pay(text),
            54 => {
                self.print(text.to_owned())?;
                Ok(String::new())
            }
            56 => {
                self.close()?;
                Ok(self.counters())
            }
            60 => {
                self.cancel()?;
                Ok(String::new())
            }
            62 => Ok(self.clock.now().strftime("%d-%m-%y %H:%M:%S").to_string()),
            68 => Ok((1825 - self.memory.z).to_string()),
            76 => {
                let (items, amount, paid) = self.last_state;
                let open = u8::from(self.open.is_some());
                Ok(format!("{open},{items:04},{amount:+09},{paid:+09}"))
            }
            90 => {
                let digits = format!("{},{}", self.memory.serial, self.fm_number);
                Ok(format!("FP-2000,1.00BG 24NOV26,1A2B,00000000,{digits}"))
            }
            97 => Ok((1..=8)
                .map(|group| {
                    let rate = self.rates.get(&group);
                    rate.map_or_else(|| "100.00".to_owned(), |rate| format!("{rate:.2}"))
                })
                .collect::<Vec<_>>()
                .join(",")),
            113 => Ok(format!("{:07}", self.last_number())),
            _ => Err(No::Syntax),
        }
    }

    fn counters(&self) -> String {
        let all = self.memory.today().count() + usize::from(self.open.is_some());
        format!("{all:04},{all:04}")
    }

    fn old_last(&self) -> String {
        match self.memory.last() {
            Some(last) => format!("{},{}", last.number, last.key.clone().unwrap_or_default()),
            None => format!("{},XX000000-0000-0000000", self.last_number()),
        }
    }

    fn old_running(&self) -> String {
        let key = self.memory.key.as_deref().unwrap_or_default();
        key.rsplit('-').next().unwrap_or_default().to_owned()
    }

    fn old_open(&mut self, text: &str) -> Result<String, No> {
        let parts: Vec<_> = text.split(',').collect();
        let (password, unp) = match (self.dialect, parts.as_slice()) {
            (Dialect::OldC, [_, password, unp, _till]) => (*password, *unp),
            (Dialect::OldC, [_, password, unp, _till, original, ..])
                if original.starts_with('R') =>
            {
                (*password, *unp)
            }
            (Dialect::OldP, [_, password, _till, unp]) => (*password, *unp),
            _ => return Err(No::Syntax),
        };
        if password != self.password || unp.len() != 21 {
            return Err(No::Refused);
        }
        let storno = parts.get(4).is_some();
        self.begin(storno, unp)?;
        Ok(self.counters())
    }

    fn old_storno(&mut self, text: &str) -> Result<String, No> {
        let parts: Vec<_> = text.split(',').collect();
        let [_, password, _till, unp, document, _original, at, memory] = parts.as_slice() else {
            return Err(No::Syntax);
        };
        if *password != self.password {
            return Err(No::Syntax);
        }
        let known = document.starts_with(['E', 'R', 'T']) && at.len() == 12 && memory.len() == 8;
        if !known {
            return Err(No::Syntax);
        }
        self.begin(true, unp)?;
        Ok(self.counters())
    }

    fn old_sale(&mut self, text: &str, data: &[u8]) -> Result<String, No> {
        let tab = data
            .iter()
            .position(|byte| *byte == b'\t')
            .ok_or(No::Syntax)?;
        let letter = *data.get(tab + 1).ok_or(No::Syntax)?;
        let group = letter
            .checked_sub(0xBF)
            .filter(|group| (1..=8).contains(group));
        let (name, rest) = text.split_once('\t').ok_or(No::Syntax)?;
        let mut rest = rest.chars();
        rest.next();
        let (amounts, discount) = match rest.as_str().split_once(";-") {
            Some((amounts, discount)) => (amounts, money::read(discount).ok_or(No::Syntax)?),
            None => (rest.as_str(), 0),
        };
        let (price, quantity) = amounts.split_once('*').unwrap_or((amounts, "1"));
        let price = money::read(price).ok_or(No::Syntax)?;
        let quantity = thousandths(quantity).ok_or(No::Syntax)?;
        self.sell(name, group.ok_or(No::Syntax)?, price, quantity, discount)?;
        Ok(String::new())
    }

    fn old_pay(&mut self, text: &str) -> Result<String, No> {
        let (_, payment) = text.split_once('\t').ok_or(No::Syntax)?;
        let split = payment
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(payment.len());
        let (kind, amount) = payment.split_at(split);
        let amount = if amount.is_empty() {
            // TAB alone pays everything in cash.
            let receipt = self.receipt()?;
            receipt.amount() - receipt.paid
        } else {
            money::read(amount).ok_or(No::Syntax)?
        };
        let rest = self.pay(kind, amount)?;
        Ok(if rest > 0 {
            format!("D{rest}")
        } else {
            format!("R{}", -rest)
        })
    }
}
