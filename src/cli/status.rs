//! `nightporter status`: how the running worker is.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::context::Context;
use super::exit::Exit;
use super::runtime::block_on;
use super::times;
use crate::admin::{DeviceStatus, PropertyStatus, Status as Shown, Tokens};
use crate::disk;
use crate::report::age;

/// Tells how the running worker is: link, budget, devices, queue, what is in doubt
#[derive(Debug, Args)]
pub(super) struct Status {
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) fn run(self, context: &Context) -> Exit {
        block_on(context, async {
            match self.tell(context).await {
                Ok(exit) | Err(exit) => exit,
            }
        })
    }

    async fn tell(self, context: &Context) -> Result<Exit, Exit> {
        let worker = context.need_worker().await?;
        let failed = |error| context.call_failed(&error);
        if self.json {
            let shown: serde_json::Value = worker.get("/api/status").await.map_err(failed)?;
            context.out.line(shown);
            return Ok(Exit::Done);
        }
        let shown: Shown = worker.get("/api/status").await.map_err(failed)?;
        for line in lines(&shown) {
            context.out.line(line);
        }
        Ok(Exit::Done)
    }
}

fn lines(shown: &Shown) -> Vec<String> {
    let ready = if shown.readiness.ready { "yes" } else { "NO" };
    let mut lines = vec![format!("ready     {ready} (version {})", shown.version)];
    let told = shown.readiness.why_not.iter();
    lines.extend(told.map(|why| format!("          {why}")));
    let told = shown.readiness.warnings.iter();
    lines.extend(told.map(|why| format!("warning   {why}")));
    let properties = shown.properties.iter();
    lines.extend(properties.flat_map(|each| property(each, shown.now)));
    let free = shown.journal.free_bytes.map(disk::amount);
    let free = free.map(|free| format!(", {free} free on its disk"));
    lines.push(format!(
        "journal   {}{}",
        shown.journal.path.display(),
        free.unwrap_or_default()
    ));
    if let (Some(fault), Some(since)) = (&shown.journal.fault, shown.journal.since) {
        let since = times::second(since);
        lines.push(format!(
            "journal   cannot be written since {since}: {fault}"
        ));
    }
    lines.extend(shown.devices.iter().flat_map(device));
    for doubt in &shown.in_doubt {
        let (id, since) = (doubt.id, times::second(doubt.since));
        lines.push(format!("in doubt  {id} of {} since {since}", doubt.device));
        lines.push(format!("          {}", doubt.check));
        if doubt.blocks {
            lines.push("          The device takes nothing new until this is settled.".to_owned());
        }
        lines.push(format!("          then: {}", doubt.todo));
    }
    for alarm in &shown.alarms {
        let about = alarm.command.map(|id| format!(" ({id})"));
        let (at, about) = (times::second(alarm.at), about.unwrap_or_default());
        lines.push(format!("alarm     {at} {}{about}", alarm.text));
    }
    lines
}

fn property(property: &PropertyStatus, now: Timestamp) -> Vec<String> {
    let hotel = property.hotel.as_deref().unwrap_or("hotel not known yet");
    let zone = property.zone.as_deref().unwrap_or("zone not known yet");
    let link = match (property.socket_up_since, &property.socket_down_because) {
        (Some(since), _) => format!("up since {}", times::second(since)),
        (None, Some(why)) => format!("DOWN: {why}"),
        (None, None) => "not open yet".to_owned(),
    };
    let tokens = match property.tokens {
        Tokens::Accepted => "accepted",
        Tokens::Refused => "REFUSED",
        Tokens::Unknown => "not tried yet",
    };
    let oldest = property.oldest_unreported.map(|since| {
        let waits = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        format!(", the oldest for {}", age(waits))
    });
    let budget = &property.budget;
    let pause = budget.paused_s.map(|s| format!(", paused for {s} s"));
    let outage = budget.outage_s.map(|s| format!(", no answer for {s} s"));
    vec![
        format!("property  {}: {hotel}, {zone}", property.name),
        format!("link      {link}; tokens {tokens}"),
        format!(
            "budget    {} of {} requests free, {} under way, {} waiting{}{}",
            budget.free,
            budget.limit,
            budget.in_flight,
            budget.waiting,
            pause.unwrap_or_default(),
            outage.unwrap_or_default(),
        ),
        format!(
            "queue     {} waiting, {} under way, {} to be told{}",
            property.waiting,
            property.under_way,
            property.unreported,
            oldest.unwrap_or_default(),
        ),
    ]
}

fn device(device: &DeviceStatus) -> Vec<String> {
    let since = times::second(device.since);
    let command = device.command.map(|id| format!(" with {id}"));
    let percent = device.percent.map(|percent| format!(", {percent} %"));
    let mut lines = vec![format!(
        "device    {} (\"{}\", {}): {}{}{} since {since}, {} waiting",
        device.name,
        device.title,
        device.driver,
        device.state,
        command.unwrap_or_default(),
        percent.unwrap_or_default(),
        device.waiting,
    )];
    let told = device.say.iter().chain(&device.warnings);
    lines.extend(told.map(|say| format!("          {say}")));
    lines
}
