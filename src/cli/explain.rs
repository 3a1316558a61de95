//! `nightporter explain CODE`: what a fault code means and what to do.

use clap::Args;

use super::context::Context;
use super::exit::Exit;
use crate::config::nearest;
use crate::report::catalogue;

/// Tells what a fault code means and what to do
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The code, such as LINK-UNREACHABLE; without it, the list
    code: Option<String>,
}

impl Explain {
    pub(super) fn run(self, context: &Context) -> Exit {
        let (catalogue, out) = (catalogue(context.build.kinds), &context.out);
        let Some(code) = self.code else {
            for page in catalogue.pages() {
                out.line(format_args!("{:24}{}", page.code, page.sentence()));
            }
            return Exit::Done;
        };
        let code = code.trim().to_uppercase();
        if let Some(page) = catalogue.page(&code) {
            out.line(format_args!("{code}: {}", page.sentence()));
            out.line("");
            out.line(page.explanation());
            return Exit::Done;
        }
        let near = nearest(&code, catalogue.pages().map(|page| page.code));
        let fix = near.map_or("; `nightporter explain` lists all".to_owned(), |near| {
            format!("; did you mean {near}?")
        });
        out.remark(format_args!("there is no code {code}{fix}"));
        Exit::Failed
    }
}
