//! An effect on a conversation, without a leave.

use driver_sdk::{Calls, Fault, Link, Session, Shared, Watch};

struct Talk;

impl Session for Talk {
    type Ask = String;
    type Answer = ();
    async fn hold(&self, _: &mut Link, _: &mut Calls<Self>, _: &Watch) -> Result<(), Fault> {
        Ok(())
    }
}

async fn prints(talk: &Shared<Talk>) -> Result<(), Fault> {
    talk.effect("print".to_owned()).await
}

fn main() {
    let _ = prints;
}
