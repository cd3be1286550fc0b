//! Which request means what: comments, pull requests, statuses and check runs; `git` has the rest.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, AUTHORIZATION};
use axum::response::Response;
use futures_util::stream;
use serde_json::{Value, json};

use super::git;
use super::mischief::{Answer, What};
use super::repo::{Pull, Repo, user};
use super::{Seen, Shared, World};

/// More than this GitHub does not take as a comment, in characters.
const COMMENT_MAX: usize = 65_536;

/// What a route sees of a request.
pub(super) struct Ask<'a> {
    pub(super) method: &'a str,
    /// Below `repos/OWNER/NAME/`, decoded one by one: a slash inside one came as `%2F`.
    pub(super) segments: &'a [String],
    pub(super) query: &'a BTreeMap<String, String>,
    pub(super) body: &'a Value,
    pub(super) raw: bool,
    pub(super) login: &'a str,
    pub(super) may: &'a dyn Fn(&str) -> bool,
    pub(super) base: &'a str,
}

/// What a route answers.
pub(super) enum Reply {
    Json(u16, Value),
    /// Headers are counted by pages, so lists are cut where they are answered.
    List(Vec<Value>),
    Raw(String),
    Refused(Answer),
}

pub(super) async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 16 * 1024 * 1024).await.unwrap_or_default();
    let whole = parts.uri.path();
    // GitHub Enterprise Server has GraphQL beside the REST API, not below it.
    let beside = whole.strip_prefix("/api").filter(|path| *path == "/graphql" && !shared.prefix.is_empty());
    let Some(below) = beside.or_else(|| whole.strip_prefix(&shared.prefix)) else {
        return finish(&Answer::new(404, "Not Found below no prefix"));
    };
    let segments: Vec<String> = below.trim_start_matches('/').split('/').map(decoded).collect();
    let query = parts.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let seen = Seen {
        method: parts.method.to_string(),
        path: segments.join("/"),
        query: query.map(|(name, value)| (name.to_owned(), decoded(value))).collect(),
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    };
    let what = {
        let mut world = shared.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.seen.push(seen.clone());
        world.mischief.iter_mut().find_map(|m| m.strikes(&seen.method, &seen.path).then(|| m.what.clone()))
    };
    if let Some(What::Together(barrier)) = &what {
        barrier.wait().await;
    }
    let mut world = shared.world.lock().unwrap_or_else(PoisonError::into_inner);
    let base = format!("http://{}{}", shared.address, shared.prefix);
    match what {
        Some(What::Instead(answer)) => finish(&answer),
        Some(What::AfterDoing(answer)) => {
            drop(act(&mut world, &seen, &segments, &parts.headers, &base));
            finish(&answer)
        }
        Some(What::Lost) => {
            drop(act(&mut world, &seen, &segments, &parts.headers, &base));
            broken()
        }
        Some(What::After(other)) => {
            other(world.repos.get_mut("o/r").unwrap());
            act(&mut world, &seen, &segments, &parts.headers, &base)
        }
        Some(What::Together(_)) | None => act(&mut world, &seen, &segments, &parts.headers, &base),
    }
}

fn act(world: &mut World, seen: &Seen, segments: &[String], headers: &HeaderMap, base: &str) -> Response {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = header(AUTHORIZATION).trim_start_matches("Bearer ");
    let Some((_, identity)) = world.tokens.iter().find(|(known, _)| **known == token) else {
        return finish(&Answer::new(401, "Bad credentials"));
    };
    if segments == ["graphql"] {
        return json_response(200, &json!({ "data": { "viewer": { "login": identity.login } } }), &[]);
    }
    let [repos, owner, name, rest @ ..] = segments else {
        return finish(&Answer::new(404, "Not Found"));
    };
    let Some(repo) = world.repos.get_mut(&format!("{owner}/{name}")).filter(|_| repos == "repos") else {
        return finish(&Answer::new(404, "Not Found"));
    };
    let may = |permission: &str| identity.may_write.contains(permission);
    let ask = Ask {
        method: &seen.method,
        segments: rest,
        query: &seen.query,
        body: &seen.body,
        raw: header(ACCEPT).contains("raw"),
        login: identity.login,
        may: &may,
        base,
    };
    match route(repo, &ask) {
        Reply::Json(status, body) => json_response(status, &body, &[]),
        Reply::List(all) => page(&all, seen, base),
        Reply::Raw(text) => response(200, "application/vnd.github.raw; charset=utf-8", text.into(), &[]),
        Reply::Refused(answer) => finish(&answer),
    }
}

fn route(repo: &mut Repo, ask: &Ask) -> Reply {
    let parts: Vec<&str> = ask.segments.iter().map(String::as_str).collect();
    match (ask.method, parts.as_slice()) {
        ("GET", ["issues", number, "comments"]) => {
            let of = repo.comments.iter().filter(|comment| comment.issue.to_string() == *number);
            Reply::List(of.map(|comment| comment.json(&repo.full_name)).collect())
        }
        ("POST", ["issues", number, "comments"]) => post_comment(repo, ask, number),
        ("PATCH", ["issues", "comments", id]) => edit_comment(repo, ask, id),
        ("GET", ["pulls"]) => Reply::List(pulls(repo, ask).map(|pull| pull.json(repo)).collect()),
        ("POST", ["pulls"]) => open_pull(repo, ask),
        ("GET", ["pulls", number]) => match repo.pulls.iter().find(|pull| pull.number.to_string() == *number)
        {
            Some(pull) => Reply::Json(200, pull.json(repo)),
            None => not_found(),
        },
        ("PATCH", ["pulls", number]) => edit_pull(repo, ask, number),
        ("GET", ["pulls", number, "files"]) => {
            let pull = repo.pulls.iter().find(|pull| pull.number.to_string() == *number);
            pull.map_or_else(not_found, |pull| Reply::List(pull.files.clone()))
        }
        ("GET", ["commits", sha, "pulls"]) => {
            let known = repo
                .pulls
                .iter()
                .filter(|pull| pull.head_sha == *sha || pull.merge_commit.as_deref() == Some(*sha));
            let found: Vec<Value> = known.map(|pull| pull.json(repo)).collect();
            if found.is_empty() && !repo.commits.contains_key(*sha) {
                return Reply::Refused(Answer::new(422, &format!("No commit found for SHA: {sha}")));
            }
            Reply::List(found)
        }
        ("POST", ["statuses", sha]) => post_status(repo, ask, sha),
        ("GET", ["commits", sha, "statuses"]) => {
            let of = repo.statuses.iter().rev().filter(|status| status["sha"] == *sha);
            Reply::List(of.cloned().collect())
        }
        ("POST", ["check-runs"]) => post_check(repo, ask),
        ("GET", ["commits", sha, "check-runs"]) => {
            let of = repo.checks.iter().rev().filter(|check| check["head_sha"] == *sha);
            let found: Vec<Value> =
                of.filter(|check| check["name"] == ask.query["check_name"]).cloned().collect();
            Reply::Json(200, json!({ "total_count": found.len(), "check_runs": found }))
        }
        _ => git::route(repo, ask, &parts),
    }
}

fn post_comment(repo: &mut Repo, ask: &Ask, number: &str) -> Reply {
    if !(ask.may)("pull-requests") {
        return not_for_integrations("issues=write; pull_requests=write");
    }
    let (Some(body), Ok(issue)) = (ask.body["body"].as_str(), number.parse()) else {
        return unprocessable("IssueComment", "body", "missing_field");
    };
    if body.chars().count() > COMMENT_MAX {
        return unprocessable("IssueComment", "body", "is too long (maximum is 65536 characters)");
    }
    if !repo.pulls.iter().any(|pull| pull.number == issue) {
        return not_found();
    }
    repo.comment(issue, ask.login, body);
    Reply::Json(201, repo.comments.last().map(|comment| comment.json(&repo.full_name)).unwrap_or_default())
}

fn edit_comment(repo: &mut Repo, ask: &Ask, id: &str) -> Reply {
    if !(ask.may)("pull-requests") {
        return not_for_integrations("issues=write; pull_requests=write");
    }
    let name = repo.full_name.clone();
    let Some(comment) = repo.comments.iter_mut().find(|comment| comment.id.to_string() == id) else {
        return not_found();
    };
    match ask.body["body"].as_str() {
        Some(body) if body.chars().count() <= COMMENT_MAX => {
            body.clone_into(&mut comment.body);
            Reply::Json(200, comment.json(&name))
        }
        _ => unprocessable("IssueComment", "body", "is too long (maximum is 65536 characters)"),
    }
}

/// Newest first, as GitHub lists them.
fn pulls<'a>(repo: &'a Repo, ask: &'a Ask) -> impl Iterator<Item = &'a Pull> {
    let wanted = |name: &str| ask.query.get(name).map(String::as_str);
    let owner = repo.full_name.split('/').next().unwrap_or_default();
    repo.pulls.iter().rev().filter(move |pull| {
        let own = pull.head_repo.as_deref() == Some(&repo.full_name);
        let state = match wanted("state").unwrap_or("open") {
            "open" => pull.open,
            "closed" => !pull.open,
            _ => true,
        };
        state
            && wanted("head").is_none_or(|head| own && head == format!("{owner}:{}", pull.head_branch))
            && wanted("base").is_none_or(|base| base == pull.base_branch)
    })
}

fn open_pull(repo: &mut Repo, ask: &Ask) -> Reply {
    if !(ask.may)("pull-requests") {
        return not_for_integrations("pull_requests=write");
    }
    let text = |name: &str| ask.body[name].as_str().unwrap_or_default().to_owned();
    let (head, base) = (text("head"), text("base"));
    let Some(sha) = repo.refs.get(&format!("heads/{head}")).cloned() else {
        return unprocessable("PullRequest", "head", "invalid");
    };
    if repo.is_ancestor(&sha, &repo.head(&base)) {
        return unprocessable("PullRequest", "head", &format!("No commits between {base} and {head}"));
    }
    if repo.pulls.iter().any(|pull| pull.open && pull.head_branch == head && pull.base_branch == base) {
        return unprocessable("PullRequest", "head", &format!("A pull request already exists for o:{head}."));
    }
    let number = repo.open_pull(&head, &base, None);
    let pull = repo.pull(number);
    (pull.title, pull.body) = (text("title"), text("body"));
    Reply::Json(201, repo.pulls.last().map(|pull| pull.json(repo)).unwrap_or_default())
}

fn edit_pull(repo: &mut Repo, ask: &Ask, number: &str) -> Reply {
    if !(ask.may)("pull-requests") {
        return not_for_integrations("pull_requests=write");
    }
    let Some(at) = repo.pulls.iter().position(|pull| pull.number.to_string() == number) else {
        return not_found();
    };
    if let Some(title) = ask.body["title"].as_str() {
        title.clone_into(&mut repo.pulls[at].title);
    }
    if let Some(body) = ask.body["body"].as_str() {
        body.clone_into(&mut repo.pulls[at].body);
    }
    Reply::Json(200, repo.pulls[at].json(repo))
}

fn post_status(repo: &mut Repo, ask: &Ask, sha: &str) -> Reply {
    if !(ask.may)("statuses") {
        return not_for_integrations("statuses=write");
    }
    if ask.body["description"].as_str().is_some_and(|text| text.chars().count() > 140) {
        return unprocessable("Status", "description", "is too long (maximum is 140 characters)");
    }
    let mut status = ask.body.clone();
    status["id"] = json!(repo.fresh());
    status["sha"] = json!(sha);
    status["url"] = json!(format!("{}/repos/{}/statuses/{sha}", ask.base, repo.full_name));
    status["creator"] = user(ask.login);
    repo.statuses.push(status.clone());
    Reply::Json(201, status)
}

fn post_check(repo: &mut Repo, ask: &Ask) -> Reply {
    if !(ask.may)("checks") {
        return not_for_integrations("checks=write");
    }
    let output = &ask.body["output"];
    let many = output["annotations"].as_array().is_some_and(|all| all.len() > 50);
    if many || output["summary"].as_str().is_some_and(|text| text.chars().count() > 65_535) {
        return unprocessable("CheckRun", "output", "is too long");
    }
    let mut check = ask.body.clone();
    let id = repo.fresh();
    check["id"] = json!(id);
    check["html_url"] = json!(format!("https://github.com/{}/runs/{id}", repo.full_name));
    repo.checks.push(check.clone());
    Reply::Json(201, check)
}

/// One page of a list, and where the next one is.
fn page(all: &[Value], seen: &Seen, base: &str) -> Response {
    let number = |name: &str, usual| seen.query.get(name).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (size, page) = (number("per_page", 30_usize).clamp(1, 100), number("page", 1_usize).max(1));
    let from = ((page - 1) * size).min(all.len());
    let to = (from + size).min(all.len());
    let link = |page: usize, name: &str| {
        format!("<{base}/{}?per_page={size}&page={page}>; rel=\"{name}\"", seen.path)
    };
    let mut links = Vec::new();
    if page > 1 {
        links.push(link(page - 1, "prev"));
    }
    if to < all.len() {
        links.extend([link(page + 1, "next"), link(all.len().div_ceil(size), "last")]);
    }
    let headers: Vec<(&str, String)> =
        links.first().map(|_| ("link", links.join(", "))).into_iter().collect();
    json_response(200, &Value::from(all[from..to].to_vec()), &headers)
}

pub(super) fn not_found() -> Reply {
    Reply::Refused(Answer::new(404, "Not Found"))
}

pub(super) fn not_for_integrations(accepted: &str) -> Reply {
    let answer = Answer::new(403, "Resource not accessible by integration");
    Reply::Refused(answer.with("x-accepted-github-permissions", accepted))
}

fn unprocessable(resource: &str, field: &str, message: &str) -> Reply {
    let mut answer = Answer::new(422, "Validation Failed");
    answer.body["errors"] =
        json!([{ "resource": resource, "field": field, "code": "custom", "message": message }]);
    Reply::Refused(answer)
}

fn finish(answer: &Answer) -> Response {
    json_response(answer.status, &answer.body, &answer.headers)
}

fn json_response(status: u16, body: &Value, headers: &[(&str, String)]) -> Response {
    response(status, "application/json; charset=utf-8", body.to_string().into(), headers)
}

fn response(status: u16, kind: &str, body: Body, headers: &[(&str, String)]) -> Response {
    // A connection of its own for each request: a check in front may outlive this fake.
    let mut response =
        Response::builder().status(status).header("content-type", kind).header("connection", "close");
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response.body(body).unwrap()
}

/// Says that it went well and breaks off.
fn broken() -> Response {
    let parts = [Ok(Bytes::from_static(b"{\"id\": ")), Err(std::io::Error::other("gone"))];
    response(200, "application/json", Body::from_stream(stream::iter(parts)), &[])
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code =
            (*first == b'%').then(|| after.get(..2).and_then(|two| std::str::from_utf8(two).ok())).flatten();
        let Some(byte) = code.and_then(|two| u8::from_str_radix(two, 16).ok()) else {
            bytes.push(*first);
            rest = after;
            continue;
        };
        bytes.push(byte);
        rest = &after[2..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
