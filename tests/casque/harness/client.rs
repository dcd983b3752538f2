//! A client of the API.

use serde_json::Value;

/// A client, signed in or not.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    address: String,
    token: Option<String>,
    headers: Vec<(String, String)>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers but `Date` and `X-Request-Id`, by name.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The ETag.
    pub fn etag(&self) -> &str {
        self.header("etag").unwrap_or_else(|| panic!("no ETag: {}", self.text))
    }

    /// Pointers of a problem's faults.
    pub fn pointers(&self) -> Vec<String> {
        let body = self.json();
        let faults = body["errors"].as_array().cloned().unwrap_or_default();
        let mut pointers: Vec<String> =
            faults.iter().map(|fault| fault["pointer"].as_str().unwrap().to_owned()).collect();
        pointers.sort();
        pointers
    }

    /// References of a list.
    pub fn references(&self) -> Vec<String> {
        let body = self.json();
        let items = body["items"].as_array().unwrap_or_else(|| panic!("no list: {}", self.text));
        items.iter().map(|item| item["reference"].as_str().unwrap().to_owned()).collect()
    }
}

impl Client {
    pub(super) fn new(address: &str, token: Option<String>) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().new_agent();
        Self { agent, address: address.to_owned(), token, headers: Vec::new() }
    }

    /// A client of a node at an address, `http://127.0.0.1:…`.
    pub fn at(address: &str, token: Option<&str>) -> Self {
        Self::new(address, token.map(str::to_owned))
    }

    /// POST of JSON to a node that may be gone: `None` when it did not answer.
    pub fn try_post(&self, path: &str, body: &Value) -> Option<Answer> {
        let mut request = self.agent.post(format!("{}{path}", self.address)).content_type("application/json");
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        let mut response = request.send(body.to_string().as_bytes()).ok()?;
        let text = response.body_mut().read_to_string().ok()?;
        Some(Answer { status: response.status().as_u16(), headers: Vec::new(), text })
    }

    /// The same with a header.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.headers.push((name.to_owned(), value.to_owned()));
        other
    }

    fn headers(&self) -> Vec<(String, String)> {
        let bearer = self.token.iter().map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
        bearer.chain(self.headers.clone()).collect()
    }

    fn answer(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
        let mut response = result.unwrap();
        let mut headers: Vec<(String, String)> = response
            .headers()
            .iter()
            .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        headers.sort();
        let text = String::from_utf8_lossy(&response.body_mut().read_to_vec().unwrap()).into_owned();
        Answer { status: response.status().as_u16(), headers, text }
    }

    /// Its token.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// GET.
    pub fn get(&self, path: &str) -> Answer {
        let mut request = self.agent.get(format!("{}{path}", self.address));
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        Self::answer(request.call())
    }

    /// OPTIONS, as a browser asks before it lets a page of another origin ask.
    pub fn options(&self, path: &str) -> Answer {
        let mut request = self.agent.options(format!("{}{path}", self.address));
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        Self::answer(request.call())
    }

    /// GET of a file.
    pub fn get_bytes(&self, path: &str) -> Vec<u8> {
        let mut request = self.agent.get(format!("{}{path}", self.address));
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        request.call().unwrap().body_mut().read_to_vec().unwrap()
    }

    /// POST, answered with a file.
    pub fn post_bytes(&self, path: &str, body: &Value) -> Vec<u8> {
        let mut request = self.agent.post(format!("{}{path}", self.address));
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        request.send_json(body).unwrap().body_mut().read_to_vec().unwrap()
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Answer {
        let mut request = self.agent.delete(format!("{}{path}", self.address));
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        Self::answer(request.call())
    }

    /// POST of JSON.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.with("content-type", "application/json").post_text(path, body.to_string())
    }

    /// POST of bytes.
    pub fn post_text(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        let mut request = self.agent.post(format!("{}{path}", self.address));
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        Self::answer(request.send(body.as_ref()))
    }

    /// POST of JSON in chunks, without its length.
    pub fn post_chunked(&self, path: &str, body: &str) -> Answer {
        let mut request = self.agent.post(format!("{}{path}", self.address)).content_type("application/json");
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        Self::answer(request.send(ureq::SendBody::from_reader(&mut body.as_bytes())))
    }

    /// PATCH of JSON, if the record is as the ETag says.
    pub fn patch(&self, path: &str, body: &Value, etag: &str) -> Answer {
        self.with("if-match", etag).with("content-type", "application/merge-patch+json").patch_bare(path, body)
    }

    /// PATCH without a precondition.
    pub fn patch_bare(&self, path: &str, body: &Value) -> Answer {
        let mut request = self.agent.patch(format!("{}{path}", self.address));
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        Self::answer(request.send(body.to_string().as_bytes()))
    }
}
