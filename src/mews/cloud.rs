//! One property's client: the operations the worker uses, with the status table of the contract.
//!
//! What Mews means by waiting (429, 5xx, no answer) is handled here and in [`super::budget`]: a
//! call goes on trying until it has a definite answer, and is given up by dropping it. What needs
//! a decision is a [`CallError`]. Repeating an update is harmless: a second one is accepted or
//! refused, and a refusal is settled by reading back.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use driver_sdk::CommandId;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use uuid::Uuid;

use self::call::{Attempt, Listed};
use super::budget::{Budget, Priority, Rank};
use super::clock::CloudClock;
use super::post::Post;
use super::wire::{
    ByBill, ByIds, Command, Configuration, Device, FetchedOrderItem, FetchedPayment,
    FiscalByDevices, Interval, Limitation, Nothing, OrderItemPage, PaymentPage, Skipped, State,
    Tokens, Update, body,
};

mod call;
mod devices;
#[cfg(test)]
mod tests;

/// Ids in one `getAllByIds`.
pub const IDS_MAX: usize = 1000;
/// How long a small call may take; twice as long after it took too long, up to 30 s.
const SMALL: Duration = Duration::from_secs(10);
/// So many refusals in one call, and it is not about single ids.
const REFUSALS_MAX: usize = 40;
/// How long a list may take to begin.
const LIST_HEAD: Duration = Duration::from_secs(60);
/// A list of this length may have been cut by Mews.
const PAGE: u32 = 1000;

/// A definite answer that is not success: one variant per thing the caller does differently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// 400, 403, 409 and other refusals. Of an update: read the command back and reconcile.
    #[error("Mews refused the request with status {status}{}", says(message.as_deref()))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What Mews said, meant for people; one line, tokens removed.
        message: Option<String>,
    },
    /// 401: a token, the hotel or the integration is disabled, or this one operation is not
    /// permitted. Try again in minutes, or go on without an optional operation.
    #[error("Mews does not accept the tokens for this operation (401)")]
    Unauthorized,
    /// 404: a wrong address in the config.
    #[error("Mews does not know this address (404); check the platform address")]
    NotFound,
    /// 408, 413: ask for less.
    #[error("the request asks for too much ({0})")]
    TooMuch(u16),
    /// The answer is JSON, and not what the contract says.
    #[error("the answer of Mews cannot be read: {0}")]
    Unreadable(String),
    /// No answer in the time given, or only a part of it. Of an update: outcome unknown.
    #[error("no answer from Mews")]
    NoAnswer,
}

fn says(message: Option<&str>) -> String {
    message.map(|text| format!(": {text}")).unwrap_or_default()
}

/// What became of the ids that were asked for; the commands went to the callback.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Mews answered without them. Keep, alarm, do not act.
    pub missing: Vec<CommandId>,
    /// Mews refuses any request that names them, with its reason.
    pub refused: Vec<(CommandId, String)>,
    /// Elements that could not be read.
    pub skipped: Vec<Skipped>,
}

/// What a complete sweep saw; the commands went to the callback.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Elements in the list.
    pub listed: u32,
    /// Elements that could not be read.
    pub skipped: Vec<Skipped>,
    /// When the request was sent that was answered, by the monotonic clock of [`Cloud::clock`]: what
    /// the list says was so then or later.
    pub sent: Duration,
}

impl Swept {
    /// True if the list may have been cut: work it off and call again.
    #[must_use]
    pub fn looks_cut(&self) -> bool {
        self.listed > 0 && self.listed.is_multiple_of(PAGE)
    }
}

/// One property's client. Clones share budget and clock.
#[derive(Clone)]
pub struct Cloud {
    post: Arc<dyn Post>,
    tokens: Tokens,
    budget: Budget,
    clock: CloudClock,
}

impl Cloud {
    /// A client for one access token. `budget` must be that token's only one.
    #[must_use]
    pub fn new(post: Arc<dyn Post>, tokens: Tokens, budget: Budget, clock: CloudClock) -> Self {
        Self {
            post,
            tokens,
            budget,
            clock,
        }
    }

    /// This token's budget.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The cloud's clock.
    #[must_use]
    pub fn clock(&self) -> &CloudClock {
        &self.clock
    }

    /// Reads commands in any state and hands what came together to `on_commands`, in Mews' order,
    /// with the time at which the request was sent: what is read was so then or later.
    /// Duplicates are asked for once; more than [`IDS_MAX`] go in several requests. A batch that is
    /// too much is halved; of a refused one the culprit is found by halving and named.
    ///
    /// # Errors
    /// [`CallError`] for what concerns no single id.
    pub async fn get_all_by_ids<F, Fut>(
        &self,
        ids: &[CommandId],
        mut on_commands: F,
    ) -> Result<Fetched, CallError>
    where
        F: FnMut(Vec<Command>, Duration) -> Fut + Send,
        Fut: Future<Output = ()> + Send,
    {
        let mut seen = HashSet::new();
        let wanted: Vec<_> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
        let mut batches: Vec<Vec<CommandId>> = wanted
            .chunks(IDS_MAX)
            .rev()
            .map(<[CommandId]>::to_vec)
            .collect();
        let mut fetched = Fetched::default();
        let mut refusals = 0;
        while let Some(batch) = batches.pop() {
            let tried = self.attempt(
                "commands/getAllByIds",
                &ByIds {
                    command_ids: &batch,
                },
                SMALL,
            );
            let reason = match tried.list(Priority::Fetch.into(), &mut on_commands).await {
                Ok(Listed {
                    complete,
                    ids,
                    skipped,
                    ..
                }) => {
                    let named = skipped
                        .iter()
                        .filter_map(|skip| skip.id)
                        .collect::<HashSet<_>>();
                    fetched.skipped.extend(skipped);
                    let open = batch
                        .into_iter()
                        .filter(|id| !ids.contains(id) && !named.contains(id));
                    let open: Vec<_> = open.collect();
                    if complete {
                        fetched.missing.extend(open);
                    } else if !open.is_empty() {
                        batches.push(open);
                    }
                    continue;
                }
                Err(CallError::Refused {
                    status: 400,
                    message,
                }) if refusals < REFUSALS_MAX => {
                    refusals += 1;
                    message.unwrap_or_else(|| "Mews refuses this id (400)".to_owned())
                }
                Err(CallError::TooMuch(status)) => {
                    format!("the command is too large to be read ({status})")
                }
                Err(other) => return Err(other),
            };
            if let [id] = batch[..] {
                fetched.refused.push((id, reason));
            } else {
                let (first, second) = batch.split_at(batch.len() / 2);
                batches.push(second.to_vec());
                batches.push(first.to_vec());
            }
        }
        Ok(fetched)
    }

    /// Reads one command once more, within a time that includes waiting for the budget.
    ///
    /// # Errors
    /// [`CallError::NoAnswer`] when the time is over, else as [`Cloud::get_all_by_ids`].
    pub async fn read_now(
        &self,
        id: CommandId,
        within: Duration,
    ) -> Result<Option<Command>, CallError> {
        let found = std::sync::Mutex::new(None);
        let ids = [id];
        let reading = self.get_all_by_ids(&ids, |commands, _| {
            let mut found = found
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            *found = commands.into_iter().last();
            std::future::ready(())
        });
        let fetched = tokio::time::timeout(within, reading)
            .await
            .map_err(|_| CallError::NoAnswer)??;
        if let Some((_, reason)) = fetched.refused.into_iter().next() {
            return Err(CallError::Refused {
                status: 400,
                message: Some(reason),
            });
        }
        if let Some(skipped) = fetched.skipped.into_iter().next() {
            return Err(CallError::Unreadable(skipped.why));
        }
        Ok(found
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Reads what is `Pending` or `Received` as a stream: commands go to `on_commands` while the
    /// rest is still coming, and more is read when its future is done.
    ///
    /// # Errors
    /// [`CallError::NoAnswer`] if the list broke off; what came before went to `on_commands`.
    pub async fn get_all_active<F, Fut>(&self, mut on_commands: F) -> Result<Swept, CallError>
    where
        F: FnMut(Vec<Command>, Duration) -> Fut + Send,
        Fut: Future<Output = ()> + Send,
    {
        let sweep = self.attempt("commands/getAllActive", &Nothing {}, LIST_HEAD);
        let listed = sweep.list(Priority::Sweep.into(), &mut on_commands).await?;
        if !listed.complete {
            return Err(CallError::NoAnswer);
        }
        Ok(Swept {
            listed: listed.elements,
            skipped: listed.skipped,
            sent: listed.sent,
        })
    }

    /// Says how a command stands; goes on until Mews has answered.
    ///
    /// # Errors
    /// [`CallError::Refused`]: read the command back. The others as they say.
    pub async fn update(
        &self,
        id: CommandId,
        update: &Update,
        rank: Rank,
    ) -> Result<(), CallError> {
        let answer: Result<IgnoredAny, _> = self
            .small("commands/update", &update.request(id), rank)
            .await;
        answer.map(|_| ())
    }

    /// As [`Cloud::update`], within a time that includes waiting for the budget.
    ///
    /// # Errors
    /// [`CallError::NoAnswer`] when the time is over: outcome unknown.
    pub async fn update_within(
        &self,
        id: CommandId,
        update: &Update,
        rank: Rank,
        within: Duration,
    ) -> Result<(), CallError> {
        let updating = self.update(id, update, rank);
        tokio::time::timeout(within, updating)
            .await
            .map_err(|_| CallError::NoAnswer)?
    }

    /// All devices of the hotel, and what of the list could not be read.
    ///
    /// # Errors
    /// [`CallError`] as it says.
    pub async fn devices(&self) -> Result<(Vec<Device>, Vec<Skipped>), CallError> {
        let list: devices::DeviceList = self
            .small("devices/getAll", &Nothing {}, Priority::DeviceList.into())
            .await?;
        Ok(list.read())
    }

    /// The hotel, and the cloud's time. Goes first until the time is known, since nothing with an
    /// age limit runs before.
    ///
    /// # Errors
    /// [`CallError`] as it says.
    pub async fn configuration(&self) -> Result<Configuration, CallError> {
        let priority = if self.clock.known() {
            Priority::DeviceList
        } else {
            Priority::Fetch
        };
        let attempt = self.attempt("configuration/get", &Nothing {}, SMALL);
        let (configuration, trip) = attempt.small::<Configuration>(priority.into()).await?;
        self.clock.learn_now_utc(configuration.now_utc, trip);
        Ok(configuration)
    }

    /// The commands of fiscal machines in these states, without `Data`: the only list that shows
    /// `Processing` ones. `None`: Mews has not granted the operation. At most 100 devices.
    ///
    /// # Errors
    /// [`CallError`] as it says.
    pub async fn fiscal_commands(
        &self,
        devices: &[Uuid],
        states: &[State],
        updated: (Timestamp, Timestamp),
    ) -> Result<Option<Vec<Command>>, CallError> {
        let mut commands = Vec::new();
        let mut cursor = None;
        loop {
            let request = FiscalByDevices {
                device_ids: devices,
                states,
                updated_utc: Interval {
                    start_utc: updated.0,
                    end_utc: updated.1,
                },
                limitation: Limitation {
                    count: PAGE,
                    cursor,
                },
            };
            let rank = Priority::DeviceList.into();
            let page: devices::CommandPage = match self
                .small("fiscalMachineCommands/getAll", &request, rank)
                .await
            {
                Ok(page) => page,
                Err(CallError::Unauthorized) => return Ok(None),
                Err(other) => return Err(other),
            };
            let full = page.len() >= PAGE as usize;
            let next = page.cursor;
            commands.extend(page.read());
            if !full || next.is_none() || next == cursor {
                return Ok(Some(commands));
            }
            cursor = next;
        }
    }

    /// The items of a bill that came without any: with names and quantities.
    ///
    /// # Errors
    /// [`CallError`] as it says; one item that cannot be read makes the list unreadable.
    pub async fn order_items(&self, bill: Uuid) -> Result<Vec<FetchedOrderItem>, CallError> {
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let request = by_bill(bill, cursor);
            let rank = Priority::Fetch.into();
            let page: OrderItemPage = self.small("orderItems/getAll", &request, rank).await?;
            let full = page.order_items.len() >= PAGE as usize;
            items.extend(page.order_items);
            if !full || page.cursor.is_none() || page.cursor == cursor {
                return Ok(items);
            }
            cursor = page.cursor;
        }
    }

    /// The payments of a bill that came without any.
    ///
    /// # Errors
    /// [`CallError`] as it says; one payment that cannot be read makes the list unreadable.
    pub async fn payments(&self, bill: Uuid) -> Result<Vec<FetchedPayment>, CallError> {
        let mut payments = Vec::new();
        let mut cursor = None;
        loop {
            let request = by_bill(bill, cursor);
            let rank = Priority::Fetch.into();
            let page: PaymentPage = self.small("payments/getAll", &request, rank).await?;
            let full = page.payments.len() >= PAGE as usize;
            payments.extend(page.payments);
            if !full || page.cursor.is_none() || page.cursor == cursor {
                return Ok(payments);
            }
            cursor = page.cursor;
        }
    }

    fn attempt(
        &self,
        operation: &'static str,
        parameters: &impl Serialize,
        head_within: Duration,
    ) -> Attempt<'_> {
        Attempt {
            cloud: self,
            operation,
            body: body(&self.tokens, parameters),
            head_within,
        }
    }

    async fn small<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        parameters: &impl Serialize,
        rank: Rank,
    ) -> Result<T, CallError> {
        let attempt = self.attempt(operation, parameters, SMALL);
        attempt.small(rank).await.map(|(answer, _)| answer)
    }
}

fn by_bill(bill: Uuid, cursor: Option<Uuid>) -> ByBill {
    ByBill {
        bill_ids: [bill],
        limitation: Limitation {
            count: PAGE,
            cursor,
        },
    }
}

impl std::fmt::Debug for Cloud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cloud")
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
