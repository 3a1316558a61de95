//! The leave of one attempt, kept for the next.

use driver_sdk::{Committed, Fault, Run};

struct Driving {
    leave: Option<Committed<'static>>,
}

impl Driving {
    async fn commits(&mut self, run: &Run) -> Result<(), Fault> {
        self.leave = Some(run.commit(&()).await?);
        Ok(())
    }
}

fn main() {
    let _ = Driving::commits;
}
