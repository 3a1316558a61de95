//! The driver: an order into messages, refusals into words.

use std::time::Duration;

use driver_sdk::{
    Abilities, Attempt, Committed, Driver, Fault, FaultPage, Grade, Health, Job, Link, LocalWork,
    Proof, Run, Say, Verdict, Watch, Work,
};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use driver_keys::burst::Burst;
use driver_keys::dialect::Protocol;
use driver_keys::issue::{self, Card, CardMaker, Made};
use driver_keys::local_time::LocalStay;
use driver_keys::plan::KeyPlan;

use crate::answer::{Answer, ReadCard, Refused};
use crate::command::{Command, Cut, DateDigits, Handling, Profile};
use crate::conversation::{self, Habits, Ready};
use crate::frame;
use crate::kind::PAGES;
use crate::settings::{Config, SessionHabit, TestDepth};

/// A key encoder behind a line of PMS Industry Standard.
#[derive(Debug)]
pub struct KeyEncoder {
    config: Config,
    habits: Habits,
    link: Link,
    burst: Burst,
}

/// What a job becomes.
#[derive(Debug)]
pub enum Plan {
    /// Cards.
    Keys(Box<KeyPlan>, Profile),
    /// A harmless proof that the device works.
    Test {
        /// The encoder, where a card is read.
        encoder: Option<String>,
        /// Whose habits.
        profile: Profile,
    },
}

#[derive(Serialize, Deserialize)]
struct TestBookmark {
    test: bool,
}

/// Rest before the one repeat after "still busy", which is asked only while no card can exist.
const BUSY_REST: Duration = Duration::from_secs(2);

impl KeyEncoder {
    /// A device with its settings on its line. `serial`: the line is a serial one.
    #[must_use]
    pub fn new(config: Config, link: Link, serial: bool) -> Self {
        let habits = Habits {
            patience: config.patience(),
            enquiry_timeout: config.enquiry_timeout,
            answer_timeout: config.answer_timeout,
            acknowledge: config.acknowledge_results.unwrap_or(serial),
        };
        Self {
            burst: Burst::new(config.keys_per_hour),
            config,
            habits,
            link,
        }
    }

    fn profile(&self, protocol: Option<&Protocol>) -> Result<Profile, Fault> {
        let named = match protocol {
            Some(Protocol::Onity) => Some(Profile::Onity),
            Some(Protocol::IndustryStandard) => Some(Profile::Salto),
            Some(Protocol::Fias | Protocol::Other(_)) | None => None,
        };
        self.config
            .profile
            .or(named)
            .ok_or_else(|| Fault::permanent("KEY-PROFILE-UNKNOWN"))
    }

    fn digits(&self, profile: Profile) -> DateDigits {
        self.config.dates.unwrap_or_else(|| profile.digits())
    }

    fn message(&self, command: &Command, profile: Profile) -> Result<Vec<u8>, Fault> {
        let fields = command.fields(profile, self.digits(profile), self.config.trim);
        frame::encode(&fields).map_err(|error| {
            let name = fields.get(error.index).cloned().unwrap_or_default();
            let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
            Fault::permanent("KEY-BAD-NAME")
                .with("name", name)
                .without_effect()
        })
    }

    async fn hang_up(&mut self) {
        if self.config.session == SessionHabit::PerCommand {
            self.link.close().await;
        }
    }

    async fn test(
        &mut self,
        encoder: Option<String>,
        profile: Profile,
        run: &Run,
    ) -> Result<Proof, Fault> {
        let named = encoder.as_deref().unwrap_or("?");
        self.link.open().await?;
        conversation::enquire(&mut self.link, self.habits, named).await?;
        let mut what = String::new();
        if let (TestDepth::ReadCard, Some(encoder)) = (self.config.test, encoder.as_deref()) {
            run.waiting(Fault::operator("KEY-PRESENT-ANY-CARD").with("encoder", encoder));
            what = self.read(encoder, profile).await?;
        }
        run.commit(&TestBookmark { test: true }).await?;
        Ok(Proof::new(
            Grade::Done,
            Say::new("KEY-TEST-OK").with("what", what),
        ))
    }

    async fn read(&mut self, encoder: &str, profile: Profile) -> Result<String, Fault> {
        let handling = Handling::Eject;
        let command = Command::Read {
            encoder: encoder.to_owned(),
            handling,
        };
        let message = self.message(&command, profile)?;
        let answer =
            conversation::question(&mut self.link, self.habits, &command, &message).await?;
        match answer {
            Answer::Card(card) => Ok(found(&card)),
            Answer::Refused(refused) => Err(refusal(&refused, encoder, "")),
            Answer::Done { .. } => Ok(String::new()),
        }
    }

    /// Ends what a doubtful attempt may have left in the encoder. Changes no verdict.
    async fn eject(&mut self, encoder: &str, leave: Committed<'_>) -> Result<(), Fault> {
        let command = Command::Eject {
            encoder: encoder.to_owned(),
        };
        let message = self.message(&command, Profile::Onity)?;
        self.link.open().await?;
        let ready = conversation::enquire(&mut self.link, self.habits, encoder).await?;
        let habits = Habits {
            answer_timeout: Duration::from_secs(5),
            ..self.habits
        };
        let link = &mut self.link;
        conversation::command(ready, leave, link, habits, &command, &message)
            .await
            .map(drop)
    }
}

impl Driver for KeyEncoder {
    type Plan = Plan;

    fn abilities(&self) -> Abilities {
        // The lock system cannot be asked what became of a request; EX only frees the encoder.
        Abilities {
            reconcile: false,
            abort: false,
            harmless_repeat: false,
        }
    }

    fn prepare(&self, job: &Job) -> Result<Plan, Fault> {
        match &job.work {
            Work::Key(work) => {
                let ours = |protocol: &Protocol| match protocol {
                    Protocol::IndustryStandard | Protocol::Onity => true,
                    Protocol::Fias | Protocol::Other(_) => false,
                };
                let site = self.config.site();
                let plan = KeyPlan::new(job, work, &site, "PMS Industry Standard", ours)?;
                let profile = self.profile(plan.dialect.protocol.as_ref())?;
                Ok(Plan::Keys(Box::new(plan), profile))
            }
            Work::Local(LocalWork::Test) => Ok(Plan::Test {
                encoder: self
                    .config
                    .encoder
                    .clone()
                    .or(self.config.encoders.first().cloned()),
                profile: self.config.profile.unwrap_or(Profile::Salto),
            }),
            Work::Print(_) | Work::Fiscal(_) | Work::Local(LocalWork::Z) => Err(job.work.wrong()),
        }
    }

    async fn execute(&mut self, plan: Plan, run: &Run) -> Result<Proof, Fault> {
        let end = match plan {
            Plan::Keys(mut plan, profile) => {
                if self.digits(profile) == DateDigits::Eight {
                    plan.stay = plan.stay.in_hours(self.config.rounding);
                }
                let mut maker = Maker {
                    encoder: self,
                    profile,
                    stay: plan.stay,
                    rooms: plan.rooms(),
                    named: plan.order.encoder.clone(),
                    ready: None,
                };
                issue::carry_out(&plan, &mut maker, run).await
            }
            Plan::Test { encoder, profile } => self.test(encoder, profile, run).await,
        };
        self.hang_up().await;
        end
    }

    async fn reconcile(&mut self, attempt: &Attempt, run: &Run) -> Result<Verdict, Fault> {
        if attempt.bookmark::<TestBookmark>().is_ok() {
            return Ok(Verdict::DidNotHappen);
        }
        let verdict = issue::cannot_tell(attempt, run)?;
        let state: issue::Bookmark = attempt.bookmark()?;
        if let (true, Some(leave)) = (self.config.eject_after_doubt, run.committed()) {
            if let Err(fault) = self.eject(&state.encoder, leave).await {
                tracing::warn!(error = %fault, "The encoder was not freed");
            }
            self.hang_up().await;
        }
        Ok(verdict)
    }

    async fn idle(&mut self, watch: &Watch) -> Result<(), Fault> {
        if self.burst.warn(watch).await {
            watch.health(Health::Well);
        }
        Ok(())
    }
}

/// One order's way of making cards.
struct Maker<'a> {
    encoder: &'a mut KeyEncoder,
    profile: Profile,
    stay: LocalStay,
    rooms: String,
    named: String,
    ready: Option<Ready>,
}

impl Maker<'_> {
    fn command(&self, card: Card<'_>) -> Command {
        let config = &self.encoder.config;
        // A card that is not taken away would be written twice.
        let handling = if card.order.keys > 1 && config.card_handling == Handling::Retain {
            Handling::Eject
        } else {
            config.card_handling
        };
        Command::Cut(Cut {
            issue: card.issue,
            count: None,
            encoder: card.order.encoder.clone(),
            handling,
            rooms: card.order.rooms.clone(),
            granted: config.granted.clone(),
            denied: config.denied.clone(),
            start: self.stay.start,
            end: self.stay.end,
            operator: config.operator.clone(),
            serials: config.ask_serials,
        })
    }

    async fn enquire(&mut self) -> Result<Ready, Fault> {
        let KeyEncoder { link, habits, .. } = &mut *self.encoder;
        conversation::enquire(link, *habits, &self.named).await
    }

    async fn once(&mut self, leave: Committed<'_>, command: &Command) -> Result<Answer, Fault> {
        let message = self.encoder.message(command, self.profile)?;
        let ready = match self.ready.take() {
            Some(ready) => ready,
            None => self.enquire().await.map_err(Fault::without_effect)?,
        };
        let KeyEncoder { link, habits, .. } = &mut *self.encoder;
        conversation::command(ready, leave, link, *habits, command, &message).await
    }
}

impl CardMaker for Maker<'_> {
    fn pages(&self) -> &'static [FaultPage] {
        &PAGES
    }

    async fn ready(&mut self, _: &Run) -> Result<(), Fault> {
        self.encoder.link.open().await?;
        self.ready = Some(match self.enquire().await {
            // A line kept open that the lock PC has closed meanwhile: nothing was sent on it.
            Err(fault) if fault.code() == "LINK-LOST" => {
                self.encoder.link.open().await?;
                self.enquire().await?
            }
            ready => ready?,
        });
        Ok(())
    }

    async fn cut(
        &mut self,
        leave: Committed<'_>,
        run: &Run,
        card: Card<'_>,
    ) -> Result<Made, Fault> {
        let command = self.command(card);
        run.waiting(
            Fault::operator("KEY-PRESENT-CARD")
                .with("card", card.number)
                .with("keys", card.order.keys)
                .with("rooms", &self.rooms)
                .with("encoder", &self.named),
        );
        let mut answer = self.once(leave, &command).await?;
        if card.number == 1 && matches!(&answer, Answer::Refused(no) if no.code == "OV") {
            sleep(BUSY_REST).await;
            answer = self.once(leave, &command).await?;
        }
        match answer {
            Answer::Done { serials } => {
                self.encoder.burst.made();
                Ok(Made {
                    grade: Grade::Done,
                    serial: serials.into_iter().next(),
                })
            }
            Answer::Refused(refused) => {
                Err(refusal(&refused, &self.named, &self.rooms).without_effect())
            }
            Answer::Card(_) => Err(Fault::transient("KEY-GARBLED").with("encoder", &self.named)),
        }
    }
}

/// What the lock system's refusal means for people.
fn refusal(refused: &Refused, encoder: &str, rooms: &str) -> Fault {
    let code = refused.code.as_str();
    let with_encoder = |page| {
        Fault::permanent(page)
            .with("encoder", encoder)
            .with("code", code)
    };
    let with_rooms = |page| {
        Fault::permanent(page)
            .with("rooms", rooms)
            .with("code", code)
    };
    let plain = |page| Fault::permanent(page).with("code", code);
    match code {
        "ES" => plain("KEY-DIALECT"),
        "NC" => with_encoder("KEY-ENCODER-OFFLINE"),
        "NF" => plain("KEY-LOCK-SYSTEM"),
        "OV" => with_encoder("KEY-ENCODER-BUSY"),
        "EP" => with_encoder("KEY-CARD-UNREAD"),
        "EF" => plain("KEY-CARD-FOREIGN"),
        "EN" => with_encoder("KEY-WRITE-FAILED"),
        "ET" => with_encoder("KEY-CARD-STUCK"),
        "TD" => with_rooms("KEY-ROOM-UNKNOWN"),
        "ED" => with_encoder("KEY-NO-CARD"),
        "EA" => with_rooms("KEY-COPY-REFUSED"),
        "OS" => with_rooms("KEY-ROOM-OUT-OF-SERVICE"),
        "EO" => plain("KEY-OTHER-DESK"),
        "EV" => plain("KEY-CARD-STAFF"),
        _ => plain("KEY-REFUSED").with("text", refused.text.as_deref().unwrap_or_default()),
    }
}

fn found(card: &ReadCard) -> String {
    match &card.kind {
        Some(kind) => format!("; the card is no guest card ({kind})"),
        None if card.valid => format!("; the card opens {}", card.rooms.join(", ")),
        None => format!(
            "; the card opened {} and is void now",
            card.rooms.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests;
