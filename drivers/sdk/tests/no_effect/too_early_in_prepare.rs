//! What validates a job may not move the line.

use driver_sdk::{Exchange, Fault, Harmless, Job, Link};

struct Driving {
    link: Link,
}

impl Driving {
    async fn prepare<E: Exchange + Harmless>(&self, _: &Job, question: E) -> Result<(), Fault> {
        self.link.ask(question).await?;
        Ok(())
    }
}

fn main() {}
