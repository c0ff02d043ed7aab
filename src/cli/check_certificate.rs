//! `check-certificate`: would these devices accept this chain?

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use clap::Args;

use super::input;
use super::options::{KeyLogs, Layout, ProfileFiles, Readers, unknown_profile};
use super::output::{Output, OutputOptions, complain, shown};
use super::{Exit, Failure};
use crate::acceptance::{self, Request};
use crate::event::What;
use crate::formats::pkcs7;
use crate::formats::x509::Certificate;
use crate::keylog::KeyLog;
use crate::model::{Side, Time};
use crate::pipeline;
use crate::protocols::{Message, tls};
use crate::report::acceptance as report;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loginloop check-certificate pool01.pem
  loginloop check-certificate pool01.pem --profile communicator-phone-edition --name pool01.contoso.com
  loginloop check-certificate edge.p7b --ca roots.pem --domain contoso.com
  loginloop check-certificate field.pcapng")]
pub(super) struct CheckCertificate {
    /// Certificates (PEM, DER, PKCS#7), or a capture in which servers send theirs
    #[arg(value_name = "CHAIN")]
    chain: PathBuf,
    /// Ask this family alone (`loginloop profiles` lists them)
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// A name by which devices reach the server
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// A SIP domain: which names of its roles (sip., webconf., lyncdiscover. …) does the certificate cover?
    #[arg(long, value_name = "DOMAIN")]
    domain: Vec<String>,
    /// CA certificates that the devices hold (PEM, DER, PKCS#7); without it nothing is said of a CA that they may lack
    #[arg(long, value_name = "FILE")]
    ca: Vec<PathBuf>,
    /// The time at which it is judged, e.g. 2026-11-26T12:00:00Z; now, if none is given
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Time>,
    #[command(flatten)]
    layout: Layout,
    #[command(flatten)]
    profile_files: ProfileFiles,
    #[command(flatten)]
    key_logs: KeyLogs,
    #[command(flatten)]
    output: OutputOptions,
}

/// A chain, and where it comes from.
struct Source {
    title: String,
    chain: Vec<Arc<Certificate>>,
    /// When it was sent, where that is known.
    at: Option<Time>,
}

impl CheckCertificate {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let profiles = self.profile_files.load()?;
        if let Some(name) = self.profile.as_deref().filter(|name| profiles.named(name).is_none()) {
            return Err(unknown_profile(name, &profiles));
        }
        let mut authorities = Vec::new();
        for path in &self.ca {
            authorities.extend(certificates(path)?);
        }
        let sources = self.sources()?;
        let mut inputs = self.ca.clone();
        inputs.push(self.chain.clone());
        let mut output = Output::open(&self.output, &inputs)?;
        let (width, colour) = (output.width, output.colour);
        let mut exit = Exit::Analysed;
        for (place, source) in sources.into_iter().enumerate() {
            let now = self.at.or(source.at).unwrap_or_else(now);
            let request = Request { chain: source.chain, authorities: authorities.clone(), names: self.name.clone(), now };
            let opinions = acceptance::opinions(&request, acceptance::asked(&profiles, self.profile.as_deref()));
            let names =
                request.chain.first().map(|leaf| acceptance::coverage(leaf, &self.name, &self.domain)).unwrap_or_default();
            if opinions.iter().any(acceptance::Opinion::refuses)
                || names.iter().any(|name| !name.covered && self.name.contains(&name.name))
            {
                exit = Exit::Found;
            }
            output.write(|out| match self.layout.format {
                Readers::Json => report::json(&source.title, &request, &opinions, &names, out),
                Readers::Text => {
                    if place > 0 {
                        out.write_all(b"\n")?;
                    }
                    report::text(&source.title, &request, &opinions, &names, width, colour, out)
                }
            })?;
        }
        output.finish()?;
        Ok(exit)
    }

    /// The different chains of a capture, or the chain of the file.
    fn sources(&self) -> Result<Vec<Source>, Failure> {
        // In this order: a capture can hold a bundle in clear, and is none.
        match chains(&self.chain, &self.key_logs.load()?)? {
            Some(sources) if sources.is_empty() => {
                Err(Failure::Input(format!("{}: no server sends a certificate in clear in this capture", shown(&self.chain))))
            }
            Some(sources) => Ok(sources),
            None => {
                let chain = acceptance::leaf_first(certificates(&self.chain)?);
                Ok(vec![Source { title: shown(&self.chain), chain, at: None }])
            }
        }
    }
}

/// The certificates of a file.
fn certificates(path: &Path) -> Result<Vec<Arc<Certificate>>, Failure> {
    /// No bundle is longer; a capture may be, and need not be read whole to see that it is none.
    const LONGEST: u64 = 16 << 20;
    let fault = |error: &dyn std::fmt::Display| Failure::Input(format!("{}: {error}", shown(path)));
    #[expect(clippy::disallowed_methods, reason = "the command line is where files are opened")]
    let file = File::open(path).map_err(|error| fault(&error))?;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).map_err(|error| fault(&error))?;
    let bundle = pkcs7::certificates(&bytes);
    if bundle.certificates.is_empty() {
        return Err(fault(&"holds no certificate; PEM, DER and PKCS#7 are read, and captures in which servers send theirs"));
    }
    if let Some(problem) = &bundle.problem {
        complain(&format_args!("{}: warning: {problem}", shown(path)));
    }
    Ok(bundle.certificates.clone())
}

/// The different chains that servers send in a capture; `None` if the file is no capture.
fn chains(path: &Path, keys: &Arc<KeyLog>) -> Result<Option<Vec<Source>>, Failure> {
    /// Different chains that are looked at.
    const MOST: usize = 256;
    let capture = input::open(path)?;
    let mut seen = HashSet::new();
    let mut sources = Vec::new();
    let read = pipeline::events(capture, keys, &mut |event, _| {
        let What::Message(Message::Tls(message)) = &event.what else { return Ok(()) };
        let tls::Message::Certificate(chain) = message else { return Ok(()) };
        let key: Vec<[u8; 32]> = chain.iter().map(|one| one.sha256).collect();
        if event.side == Side::Server && !chain.is_empty() && sources.len() < MOST && seen.insert((event.source(), key)) {
            let title = format!("{} in frame {} of {}", event.source(), event.at.frame, shown(path));
            sources.push(Source { title, chain: chain.clone(), at: Some(event.at.time) });
        }
        Ok(())
    });
    match read {
        Err(_) => Ok(None),
        Ok(outcome) => {
            if let Some(error) = outcome.error {
                complain(&format_args!("{}: {error}", shown(path)));
            }
            Ok(Some(sources))
        }
    }
}

fn time(text: &str) -> Result<Time, String> {
    let stamp: jiff::Timestamp = text.parse().map_err(|_| "a time is written like 2026-11-26T12:00:00Z".to_owned())?;
    Ok(Time::from_seconds(stamp.as_second()))
}

#[expect(clippy::disallowed_methods, reason = "without a capture, the time is that of the one who asks")]
fn now() -> Time {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Time::from_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
