//! A worker whose way to the sandbox needs no network, so that a paused runtime can hurry: an hour
//! of waiting takes as long as what happens in it.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use nightporter::config::Property;
use nightporter::mews::budget::{Forget, Keep};
use nightporter::mews::post::{Answer, NoAnswer, Post};
use nightporter::mews::socket::{Closed, Dial, DialError, Heard, Socket};
use nightporter::sandbox::{Direct, DirectSocket, Refused, Said};
use nightporter::supervise::World;
use secrecy::ExposeSecret;

/// Spoils an answer: the operation and its body in, the body out.
pub type Edit = Arc<dyn Fn(&str, String) -> String + Send + Sync>;

/// The world of a worker beside its cloud.
pub struct Air {
    pub direct: Direct,
    /// Somebody on the way who changes what comes back.
    pub edit: Option<Edit>,
}

impl World for Air {
    fn post(&self, _: &Property) -> Arc<dyn Post> {
        Arc::new(Way {
            direct: self.direct.clone(),
            edit: self.edit.clone(),
        })
    }

    fn dial(&self, property: &Property) -> Arc<dyn Dial> {
        let client = property.client_token.expose_secret();
        let access = property.access_token.expose_secret();
        Arc::new(Ear {
            direct: self.direct.clone(),
            cookie: format!("ClientToken={client}; AccessToken={access}"),
        })
    }

    fn keep(&self, _: &Property) -> Box<dyn Keep> {
        Box::new(Forget)
    }
}

struct Way {
    direct: Direct,
    edit: Option<Edit>,
}

/// The whole body, edited, if it came whole.
async fn edited(
    mut body: BoxStream<'static, io::Result<Bytes>>,
    edit: impl FnOnce(String) -> String,
) -> BoxStream<'static, io::Result<Bytes>> {
    let mut whole = Vec::new();
    while let Some(piece) = body.next().await {
        match piece {
            Ok(piece) => whole.extend_from_slice(&piece),
            Err(error) => return stream::iter([Ok(whole.into()), Err(error)]).boxed(),
        }
    }
    let text = String::from_utf8(whole).expect("the sandbox writes JSON");
    stream::iter([Ok(edit(text).into())]).boxed()
}

impl Post for Way {
    fn post(
        &self,
        operation: &'static str,
        body: Vec<u8>,
    ) -> BoxFuture<'_, Result<Answer, NoAnswer>> {
        async move {
            let reset = |_| NoAnswer("connection reset".to_owned());
            let answer = self.direct.post(operation, body).await.map_err(reset)?;
            let (head, mut body) = answer.into_parts();
            if let Some(edit) = &self.edit {
                body = edited(body, |text| edit(operation, text)).await;
            }
            let text = |name: &str| Some(head.headers.get(name)?.to_str().ok()?.to_owned());
            let broken = |error: io::Error| NoAnswer(error.to_string());
            Ok(Answer {
                status: head.status.as_u16(),
                retry_after: text("retry-after"),
                date: text("date"),
                request_id: text("request-id"),
                body: body.map(move |piece| piece.map_err(broken)).boxed(),
            })
        }
        .boxed()
    }
}

struct Ear {
    direct: Direct,
    cookie: String,
}

impl Dial for Ear {
    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn Socket>, DialError>> {
        async {
            match self.direct.dial(&self.cookie).await {
                Ok(socket) => Ok(Box::new(Line(socket)) as Box<dyn Socket>),
                Err(Refused::Status(status @ (401 | 403))) => Err(DialError::Refused(status)),
                Err(refused) => Err(DialError::Failed(format!("{refused:?}"))),
            }
        }
        .boxed()
    }
}

struct Line(DirectSocket);

impl Socket for Line {
    fn hear(&mut self) -> BoxFuture<'_, Heard> {
        async {
            match self.0.hear().await {
                Said::Text(text) => Heard::Text(text),
                Said::Binary(_) | Said::Pong => Heard::Life,
                Said::Closed(code) => Heard::Closed(Closed(format!("code {code}"))),
                Said::Reset => Heard::Closed(Closed("connection reset".to_owned())),
            }
        }
        .boxed()
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<(), Closed>> {
        let sent = self.0.ping();
        std::future::ready(sent.map_err(|_| Closed("connection reset".to_owned()))).boxed()
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}
