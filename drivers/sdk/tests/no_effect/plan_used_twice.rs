//! One plan is one attempt.

use driver_sdk::{Device, Fault, PreparedPlan, Run};

async fn twice(device: &mut Device, plan: PreparedPlan, run: &Run) -> Result<(), Fault> {
    device.execute(plan, run).await?;
    device.execute(plan, run).await?;
    Ok(())
}

fn main() {
    let _ = twice;
}
