//! Where the encryption of a connection stands, as far as a key log opens it: what was agreed in clear, and the keys of each
//! direction in turn. Knows no messages but the hellos, and keeps no bytes.

use super::protection::{Agreed, Opener, Plain};
use super::record::Header;
use super::{ClientHello, Decryption, ServerHello, Why, is_1_3};
use crate::keylog::{Keys, Label};
use crate::model::Side;

/// Extension number of early data (RFC 8446 section 4.2.10).
const EARLY_DATA: u16 = 42;
/// What the keys of one direction take, about.
const HELD: usize = 512;

/// Both directions.
#[derive(Debug, Default)]
pub(super) struct State {
    client: Half,
    server: Half,
    hello: Option<Hello>,
    /// Does the client try to send data before the handshake is over?
    tries_early_data: bool,
    agreed: Option<ServerHello>,
    /// What was told last.
    told: Option<Decryption>,
}

/// The random bytes of the ClientHello.
#[derive(Debug)]
struct Hello([u8; 32]);

#[derive(Debug, Default)]
struct Half {
    keys: Held,
    /// TLS 1.3: has this side finished the handshake?
    finished: bool,
}

#[derive(Debug, Default)]
enum Held {
    /// The next record under encryption says which are needed.
    #[default]
    Wanted,
    Open(Box<Opener>),
    /// None any more: records are missing, or do not fit.
    Shut,
}

impl State {
    fn half(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Takes note of a hello.
    pub(super) fn client_hello(&mut self, hello: &ClientHello) {
        self.hello = Some(Hello(hello.random));
        self.tries_early_data = hello.extensions.contains(&EARLY_DATA);
    }

    /// Takes note of its answer.
    pub(super) fn server_hello(&mut self, hello: &ServerHello) {
        self.agreed = Some(hello.clone());
    }

    /// Up to TLS 1.2 a side changes its keys.
    pub(super) fn change_cipher_spec(&mut self, side: Side) {
        if !self.is_1_3() && !matches!(self.half(side).keys, Held::Shut) {
            self.half(side).keys = Held::Wanted;
        }
    }

    /// A side says Finished: in TLS 1.3 it changes its keys, once (RFC 8446 section 7.3).
    pub(super) fn finished(&mut self, side: Side) {
        if self.is_1_3() && !self.half(side).finished {
            let half = self.half(side);
            half.finished = true;
            half.keys = Held::Wanted;
        }
    }

    /// A side renews its keys.
    pub(super) fn key_update(&mut self, side: Side) {
        let keys = &mut self.half(side).keys;
        if let Held::Open(opener) = keys {
            *keys = opener.renewed().map_or(Held::Shut, |opener| Held::Open(Box::new(opener)));
        }
    }

    /// Bytes of a side are missing. Up to TLS 1.2 nothing is lost before its ChangeCipherSpec was seen. Is there something to
    /// tell?
    pub(super) fn gap(&mut self, side: Side, encrypted: bool) -> Option<Decryption> {
        if !encrypted && !self.is_1_3() {
            return None;
        }
        self.half(side).keys = Held::Shut;
        if self.told == Some(Decryption::Opened) { self.tell(Decryption::Torn) } else { None }
    }

    fn is_1_3(&self) -> bool {
        self.agreed.as_ref().is_some_and(|agreed| is_1_3(agreed.chosen))
    }

    /// Can what both sides say be read?
    pub(super) fn is_open(&self) -> bool {
        self.told == Some(Decryption::Opened)
    }

    /// Memory that the keys take.
    pub(super) fn held(&self) -> usize {
        [&self.client, &self.server].iter().filter(|half| matches!(half.keys, Held::Open(_))).count().saturating_mul(HELD)
    }

    /// Opens a record of a side; `encrypted`: did its ChangeCipherSpec come? And what is to be told of it, once.
    pub(super) fn open(
        &mut self,
        side: Side,
        header: Header,
        body: &[u8],
        encrypted: bool,
        keys: &Keys,
    ) -> (Option<Plain>, Option<Decryption>) {
        if let Some(Decryption::Sealed(_)) = self.told {
            return (None, None);
        }
        // Early data has keys of its own, and stands between the ClientHello and the records of the handshake, whether the server
        // wants it or not (RFC 8446 section 4.2.10).
        let early = side == Side::Client && self.tries_early_data && !self.half(side).finished;
        if early && self.agreed.is_none() {
            return (None, None);
        }
        let mut is_whole = true;
        if let Held::Wanted = self.half(side).keys {
            match self.find(side, encrypted, keys) {
                Ok(opener) => {
                    self.half(side).keys = Held::Open(Box::new(opener));
                    is_whole = self.is_whole(side, keys);
                }
                Err(why) => {
                    self.half(side).keys = Held::Shut;
                    return (None, self.seal(why));
                }
            }
        }
        let Held::Open(opener) = &mut self.half(side).keys else {
            let told = if self.told.is_none() { self.seal(Why::Gap) } else { None };
            return (None, told);
        };
        if let Some(plain) = opener.open(header, body) {
            let told = match self.told {
                None => self.tell(Decryption::Opened),
                Some(Decryption::Opened) if !is_whole => self.tell(Decryption::Torn),
                Some(_) => None,
            };
            return (Some(plain), told);
        }
        let is_fresh = opener.is_fresh();
        if early && is_fresh && self.is_1_3() {
            return (None, None);
        }
        self.half(side).keys = Held::Shut;
        (None, self.seal(if is_fresh { Why::Unfit } else { Why::Gap }))
    }

    /// The keys that a side uses now.
    fn find(&self, side: Side, encrypted: bool, keys: &Keys) -> Result<Opener, Why> {
        let (Some(Hello(random)), Some(agreed)) = (&self.hello, &self.agreed) else { return Err(Why::Gap) };
        let find = |label| keys.find(label, random).ok_or(Why::NoSecrets);
        if is_1_3(agreed.chosen) {
            let half = if side == Side::Client { &self.client } else { &self.server };
            let secret = find(label(side, half.finished))?;
            return Opener::of_1_3(agreed.cipher, secret.bytes()).ok_or(Why::Unsupported);
        }
        if !encrypted {
            return Err(Why::Gap);
        }
        let master = find(Label::Master)?;
        let agreed = Agreed {
            version: agreed.chosen,
            suite: agreed.cipher,
            encrypt_then_mac: agreed.encrypt_then_mac,
            client: random,
            server: &agreed.random,
        };
        Opener::up_to_1_2(master.bytes(), &agreed, side).ok_or(Why::Unsupported)
    }

    /// Is there a secret for the data of the other side, too? One direction alone would show requests without their answers.
    fn is_whole(&self, side: Side, keys: &Keys) -> bool {
        let half = if side == Side::Client { &self.client } else { &self.server };
        let has = |Hello(random): &Hello| keys.find(label(side.other(), true), random).is_some();
        !(self.is_1_3() && half.finished) || self.hello.as_ref().is_some_and(has)
    }

    /// A direction cannot be read from here on.
    fn seal(&mut self, why: Why) -> Option<Decryption> {
        match self.told {
            None => self.tell(Decryption::Sealed(why)),
            Some(Decryption::Opened) => self.tell(Decryption::Torn),
            Some(_) => None,
        }
    }

    fn tell(&mut self, what: Decryption) -> Option<Decryption> {
        self.told = Some(what);
        self.told
    }
}

/// What the secret of a side in TLS 1.3 is for.
fn label(side: Side, finished: bool) -> Label {
    match (side, finished) {
        (Side::Client, false) => Label::ClientHandshake,
        (Side::Server, false) => Label::ServerHandshake,
        (Side::Client, true) => Label::ClientTraffic,
        (Side::Server, true) => Label::ServerTraffic,
    }
}
