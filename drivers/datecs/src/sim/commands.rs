//! The X dialect as the printer understands it.

use driver_fiscal::money;
use driver_fiscal::virtual_printer::Document;
use encoding_rs::WINDOWS_1251;
use jiff::civil::DateTime;

use super::machine::{Fields, Machine};
use super::wire::Request;

impl Machine {
    pub fn execute_x(&mut self, request: &Request) -> (Vec<u8>, bool) {
        let (text, _) = WINDOWS_1251.decode_without_bom_handling(&request.data);
        let fields: Vec<&str> = text.split('\t').collect();
        if request.command == 90 {
            let digits = format!("{},{}", self.memory.serial, self.fm_number);
            return (
                format!("FP-700X,2.08 24NOV26,1A2B,00000000,{digits}").into_bytes(),
                false,
            );
        }
        let outcome = match request.command {
            74 if request.data.is_empty() => Ok(Vec::new()),
            74 => Ok(self.last_receipt()),
            48 => self.x_open(&fields),
            43 => self.x_storno(&fields),
            49 => self.x_sale(&fields),
            51 => self.x_subtotal(),
            53 => self.x_pay(&fields),
            54 => self
                .print(fields.first().copied().unwrap_or_default().to_owned())
                .map(|()| vec![]),
            56 => self.close().map(|number| vec![number.to_string()]),
            60 => self.cancel().map(|()| vec![]),
            62 => {
                let mark = if self.summer { " DST" } else { "" };
                let now = self.clock.now().strftime("%d-%m-%y %H:%M:%S");
                Ok(vec![format!("{now}{mark}")])
            }
            68 => Ok(vec![(1825 - self.memory.z).to_string()]),
            69 => self.x_report(&fields),
            76 => Ok(self.x_state()),
            50 => Ok(self.x_rates()),
            123 => self.x_information(&fields),
            124 => Ok(self.x_search(&fields)),
            125 => self.x_journal(&fields),
            255 => self.x_variable(&fields),
            _ => return (Vec::new(), true),
        };
        let out = match outcome {
            Ok(values) => {
                let mut out = "0\t".to_owned();
                for value in values {
                    out.push_str(&value);
                    out.push('\t');
                }
                out
            }
            Err(code) => format!("{code}\t"),
        };
        let (bytes, _, _) = WINDOWS_1251.encode(&out);
        (bytes.into_owned(), false)
    }

    fn x_open(&mut self, fields: &[&str]) -> Fields {
        let [operator, password, unp, till, ..] = fields else {
            return Err(-112_001);
        };
        if operator.parse::<u8>().is_err() || till.parse::<u32>().is_err() {
            return Err(-112_101);
        }
        if *password != self.password {
            return Err(-102_002);
        }
        let unp = (*unp).to_owned();
        self.begin(false, &unp).map(|slip| vec![slip.to_string()])
    }

    fn x_storno(&mut self, fields: &[&str]) -> Fields {
        let [
            _,
            password,
            _,
            reason,
            document,
            at,
            memory,
            _,
            _,
            _,
            unp,
            ..,
        ] = fields
        else {
            return Err(-112_001);
        };
        if *password != self.password {
            return Err(-102_002);
        }
        if !["0", "1", "2"].contains(reason) || document.parse::<u32>().is_err() || at.len() < 17 {
            return Err(-112_204);
        }
        if memory.len() != 8 {
            return Err(-112_207);
        }
        // One of its own must be named as it is printed.
        let number = document.parse().unwrap_or(0);
        let mut own = self.memory.documents.iter();
        if let Some(own) = own.find(|it| it.number == number)
            && self.time_text(own) != *at
        {
            return Err(-112_206);
        }
        let unp = (*unp).to_owned();
        self.begin(true, &unp).map(|slip| vec![slip.to_string()])
    }

    fn x_sale(&mut self, fields: &[&str]) -> Fields {
        let [text, group, price, quantity, kind, discount, ..] = fields else {
            return Err(-112_001);
        };
        let group: u8 = group.parse().map_err(|_| -112_102)?;
        let price = money::read(price).ok_or(-112_103)?;
        let thousandths = thousandths(quantity).ok_or(-112_104)?;
        let discount = match *kind {
            "" | "0" => 0,
            "4" => money::read(discount).ok_or(-112_106)?,
            _ => return Err(-112_205),
        };
        let text = (*text).to_owned();
        self.sell(&text, group, price, thousandths, discount)?;
        Ok(vec![self.memory.slip.to_string()])
    }

    fn x_subtotal(&mut self) -> Fields {
        let slip = self.memory.slip.to_string();
        let receipt = self.receipt()?;
        let mut values = vec![slip, money::show(receipt.amount())];
        for group in 1..=8 {
            let of_group = receipt.lines.iter().filter(|line| line.group == group);
            values.push(money::show(of_group.map(|line| line.gross).sum()));
        }
        Ok(values)
    }

    fn x_pay(&mut self, fields: &[&str]) -> Fields {
        let [mode, amount, ..] = fields else {
            return Err(-112_001);
        };
        if mode.parse::<u8>().is_ok_and(|mode| mode > 6) || mode.is_empty() {
            return Err(-112_201);
        }
        let amount = money::read(amount).ok_or(-112_102)?;
        let mode = (*mode).to_owned();
        let rest = self.pay(&mode, amount)?;
        Ok(if rest > 0 {
            vec!["D".to_owned(), money::show(rest)]
        } else {
            vec!["R".to_owned(), money::show(-rest)]
        })
    }

    fn x_state(&self) -> Vec<String> {
        let open = match &self.open {
            None => 0,
            Some(receipt) if receipt.storno => 3,
            Some(_) => 1,
        };
        let (items, amount, paid) = self.last_state;
        vec![
            open.to_string(),
            self.memory.slip.to_string(),
            items.to_string(),
            money::show(amount),
            money::show(paid),
        ]
    }

    fn last_receipt(&self) -> Vec<String> {
        let mut values = vec!["0".to_owned(), "0".to_owned(), self.memory.slip.to_string()];
        match self.memory.last() {
            Some(last) => values.extend([
                money::show(last.total),
                last.number.to_string(),
                self.time_text(last),
            ]),
            None => values.extend([String::new(), String::new(), String::new()]),
        }
        values
    }

    fn x_rates(&self) -> Vec<String> {
        let mut values = vec!["1".to_owned()];
        for group in 1..=8 {
            let rate = self.rates.get(&group);
            values.push(rate.map_or_else(|| "100.00".to_owned(), |rate| format!("{rate:.2}")));
        }
        values.push("01-01-26".to_owned());
        values
    }

    fn x_information(&self, fields: &[&str]) -> Fields {
        match fields.first().copied() {
            Some("1") => Ok([
                self.memory.serial.as_str(),
                &self.fm_number,
                "HOTEL",
                "SOFIA",
                "BG123456789",
                "",
                "",
            ]
            .map(str::to_owned)
            .to_vec()),
            Some("3") => {
                let long = |at: DateTime| at.strftime("%d-%m-%Y %H:%M:%S").to_string();
                let at = self
                    .memory
                    .last()
                    .map(|last| long(last.at))
                    .unwrap_or_default();
                let z_at = self.memory.z_at.map(long).unwrap_or_default();
                Ok(vec![
                    self.memory.today().count().to_string(),
                    at,
                    self.memory.z.to_string(),
                    z_at,
                ])
            }
            Some(_) | None => Err(-112_201),
        }
    }

    fn x_search(&self, fields: &[&str]) -> Vec<String> {
        let numbers: Vec<_> = self.memory.documents.iter().map(|it| it.number).collect();
        let first = numbers.first().copied().unwrap_or_default().to_string();
        let last = numbers.last().copied().unwrap_or_default().to_string();
        let [from, to, ..] = fields else {
            return Vec::new();
        };
        vec![(*from).to_owned(), (*to).to_owned(), first, last]
    }

    fn x_journal(&mut self, fields: &[&str]) -> Fields {
        match fields {
            ["9", first, last, ..] => {
                let first: u32 = first.parse().map_err(|_| -112_102)?;
                let last: u32 = last.parse().map_err(|_| -112_103)?;
                let all = self.memory.documents.iter().enumerate();
                let mut rows: Vec<_> = all
                    .filter(|(_, document)| (first..=last).contains(&document.number))
                    .map(|(index, _)| index)
                    .collect();
                rows.reverse();
                self.listing = rows;
                Ok(["0", "1", "01-01-26", "1", "1"].map(str::to_owned).to_vec())
            }
            ["0", number, ..] => {
                let number: u32 = number.parse().map_err(|_| -112_102)?;
                let mut all = self.memory.documents.iter();
                let document = all.find(|it| it.number == number).ok_or(-100_009)?;
                let (at, z) = (self.time_text(document), document.z.to_string());
                Ok(vec![
                    number.to_string(),
                    "1".to_owned(),
                    at,
                    "1".to_owned(),
                    z,
                ])
            }
            ["8", ..] => {
                let row = self.listing.pop().ok_or(-100_009)?;
                Ok(csv_row(&self.memory.serial, &self.memory.documents[row]))
            }
            _ => Err(-112_201),
        }
    }

    fn x_variable(&self, fields: &[&str]) -> Fields {
        match fields.first().copied() {
            Some("UNP") => Ok(vec![self.memory.key.clone().unwrap_or_default()]),
            Some("nFBonDailyCount") => Ok(vec![self.memory.today().count().to_string()]),
            Some(_) | None => Err(-112_201),
        }
    }

    fn x_report(&mut self, fields: &[&str]) -> Fields {
        let mut values = vec![String::new()];
        let sum = |kind: &str, machine: &Self| {
            let total = machine
                .memory
                .today()
                .filter(|it| it.kind == kind)
                .map(|it| it.total)
                .sum();
            // Groups are not kept per document: the day's sum stands under A.
            let mut groups = vec![money::show(total)];
            groups.resize(8, money::show(0));
            groups
        };
        values.extend(sum("sale", self));
        values.extend(sum("refund", self));
        values[0] = match fields.first().copied() {
            Some("Z") => self.z()?,
            Some("X") => self.memory.z,
            Some(_) | None => return Err(-112_201),
        }
        .to_string();
        Ok(values)
    }
}

fn csv_row(serial: &str, document: &Document) -> Vec<String> {
    let mut row = vec![String::new(); 14];
    serial.clone_into(&mut row[0]);
    row[1].clone_from(&document.kind);
    row[2] = document.number.to_string();
    row[3] = document.key.clone().unwrap_or_default();
    row[8] = money::show(document.total);
    row
}

/// `2.000` as 2000.
pub(super) fn thousandths(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || whole.is_empty() {
        return None;
    }
    let digits: i64 = format!("{whole}{fraction:0<3}").parse().ok()?;
    (digits > 0).then_some(digits)
}
