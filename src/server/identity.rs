//! Who asks: the key of a request, or nobody's where none is needed.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, StatusCode, header};

use super::house::House;
use super::keys;
use super::problem::Problem;
use crate::base::Nanos;
use crate::document::v1::service::KeyScope;
use crate::host::RealClock;
use crate::store::DatabaseError;

/// Who asks, and what they may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) scope: KeyScope,
    /// Name of the key; none where none is needed.
    pub(super) key: Option<String>,
    pub(super) address: IpAddr,
}

impl Identity {
    /// What rates are counted by.
    pub(super) fn name(&self) -> String {
        self.key.as_ref().map_or_else(|| format!("address {}", self.address), |key| format!("key {key}"))
    }

    /// Whether it may do what asks for a scope.
    pub(super) fn needs(&self, scope: KeyScope) -> Result<(), Problem> {
        if self.scope >= scope {
            return Ok(());
        }
        let detail =
            format!("this needs a key of the scope {}, and this one has {}", scope.id(), self.scope.id());
        Err(Problem::new(StatusCode::FORBIDDEN, detail).hint(format!(
            "an operator makes one: llm-loadtest serve key create --name NAME --scope {}",
            scope.id()
        )))
    }
}

/// Whether the store holds a key that counts, asked again every few seconds: keys are made while a server runs.
pub(super) struct KeysNeeded {
    clock: RealClock,
    known: Mutex<Option<(Nanos, bool)>>,
}

const ASK_EVERY: Nanos = Nanos(2_000_000_000);

impl KeysNeeded {
    pub(super) fn new() -> Self {
        Self { clock: RealClock::start(), known: Mutex::new(None) }
    }

    async fn ask(&self, house: &House) -> Result<bool, DatabaseError> {
        let now = self.clock.now();
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, needed)) = known
            && now - at < ASK_EVERY
        {
            return Ok(needed);
        }
        let needed = house.database.keys().await?.iter().any(|key| key.revoked.is_none());
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, needed));
        Ok(needed)
    }
}

/// Whether requests need a key: everywhere but on loopback, and there as soon as one exists.
pub(super) async fn keys_needed(house: &House) -> Result<bool, Problem> {
    if !house.loopback {
        return Ok(true);
    }
    Ok(house.keys_needed.ask(house).await?)
}

/// Who sent these headers from that address.
pub(super) async fn identify(
    house: &House,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<Identity, Problem> {
    let Some(text) = key_of(headers)? else {
        if keys_needed(house).await? {
            return Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "this server needs a key, and none was given",
            )
            .hint(
                "send it as `Authorization: Bearer llt_…`; over a WebSocket as the protocol `bearer.llt_…`",
            ));
        }
        return Ok(Identity { scope: KeyScope::Admin, key: None, address });
    };
    let found = house.database.key_by_hash(&keys::hash(&text)).await?;
    if let Some(key) = found.filter(|key| key.revoked.is_none()) {
        return Ok(Identity { scope: key.scope, key: Some(key.name), address });
    }
    house.rates.wrong_key(&format!("address {address}")).map_err(too_many)?;
    Err(Problem::new(StatusCode::UNAUTHORIZED, "this key is not known here, or was revoked")
        .hint("an operator makes another: llm-loadtest serve key create"))
}

/// What a flood is told.
pub(super) fn too_many(seconds: u64) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests")
        .hint(format!("wait {seconds} s; each key, and each address without one, has a rate of its own"))
        .after(seconds)
}

/// The key that the headers hold. Browsers cannot set a header of a WebSocket, but its protocols.
fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let unreadable = || {
        Problem::new(StatusCode::UNAUTHORIZED, "the header Authorization holds no key")
            .hint("write `Authorization: Bearer llt_…`")
    };
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| unreadable())?;
        let (scheme, key) = text.split_once(' ').ok_or_else(unreadable)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(unreadable());
        }
        return Ok(Some(key.trim().to_owned()));
    }
    let protocols = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let named = protocols.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    Ok(named.filter_map(|name| name.trim().strip_prefix("bearer.")).map(str::to_owned).next())
}
