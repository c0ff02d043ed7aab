//! Where a device wanted to go when it dropped.

use crate::login::steps::{Attempt, Purpose, StepKind};
use crate::model::Endpoint;
use crate::text::WireText;

/// Names and addresses of its registrar that are kept of a device.
const HEADED_FOR: usize = 8;

/// Where a device wanted to go when it dropped, as far as it shows: its registrar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heading {
    servers: Vec<Endpoint>,
    names: Vec<WireText>,
}

impl Heading {
    /// Of one attempt.
    pub(super) fn of(attempt: &Attempt) -> Self {
        let mut heading = Self::default();
        for step in attempt.steps.iter().filter(|step| step.purpose == Purpose::Registrar) {
            if heading.names.len() < HEADED_FOR
                && let Some(name) = step.name()
            {
                heading.names.push(name.clone());
            }
            if heading.servers.len() < HEADED_FOR
                && let StepKind::Connection(connection) = &step.kind
            {
                heading.servers.push(connection.flow.server);
            }
        }
        heading
    }

    /// Memory that it takes, about.
    pub(super) fn held(&self) -> usize {
        let names = self.names.iter().map(|name| size_of_val(name).saturating_add(name.held())).sum::<usize>();
        size_of_val(self.servers.as_slice()).saturating_add(names).saturating_add(size_of::<Self>())
    }

    /// Was it this one, by its address or a name of it?
    pub(super) fn is_for(&self, server: Endpoint, name: Option<&WireText>) -> bool {
        let named = |own: &WireText| name.is_some_and(|known| known.raw().eq_ignore_ascii_case(own.raw()));
        self.servers.contains(&server) || self.names.iter().any(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::{Login, tcp};

    #[test]
    fn a_device_is_headed_for_its_first_registrars() {
        let more = u16::try_from(HEADED_FOR).unwrap() + 1;
        let tried = |port: u16| tcp(Purpose::Registrar).named("pool.contoso.com").to("10.0.4.12", port).hello();
        let login = (1..=more).fold(Login::new(), |login, port| login.step(tried(port)));
        let heading = Heading::of(&login.attempt);
        assert_eq!((heading.servers.len(), heading.names.len()), (HEADED_FOR, HEADED_FOR));
    }
}
