//! The permissions of each function, from the template's policies.

use crate::lock;
use crate::template::{BUCKET, FUNCTION, SECRET, TABLE, Template, branches};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// The permissions of the template's functions. A caller whose access key is the logical id of a function has only the
/// permissions of this function's policies. Any other access key has all permissions. Clones share the permissions.
#[derive(Clone, Debug)]
pub struct Permissions {
    functions: Arc<BTreeMap<String, BTreeSet<Action>>>,
    /// The denials in the policies of a function. They have precedence over its permissions.
    denials: Arc<BTreeMap<String, Vec<Denial>>>,
    used: Arc<Mutex<BTreeMap<String, BTreeSet<Action>>>>,
    denied: Arc<Mutex<BTreeSet<(String, Action)>>>,
    names: Names,
}

/// An action on a resource: the action of a call, or a permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Action {
    /// The action, as in a policy: `dynamodb:GetItem`.
    pub name: String,
    /// The resource, in the words of the template: `${Table.Arn}/index/list`. In a policy, `*` at its end matches any
    /// text. In a call, it is empty if the resource is not checked.
    pub resource: String,
    /// In a call to DynamoDB: the partition key of the item, if it names one.
    pub leading_key: Option<String>,
}

/// A statement that denies actions on the items with certain partition keys.
#[derive(Clone, Debug)]
struct Denial {
    actions: Vec<String>,
    /// The partition keys; `*` at the end matches any text.
    keys: Vec<String>,
}

/// The names of the resources in the template.
#[derive(Clone, Debug)]
struct Names {
    table: String,
    bucket: String,
    secret: Option<String>,
}

impl Permissions {
    pub(crate) fn from_template(text: &str) -> Result<Self, String> {
        let template = Template::read(text)?;
        let names = Names {
            table: template.only_id(TABLE)?.to_owned(),
            bucket: template.only_id(BUCKET)?.to_owned(),
            secret: template.only_id(SECRET).ok().map(str::to_owned),
        };
        let functions =
            template.all(FUNCTION).map(|(id, it)| (id.to_owned(), granted(it, &template)));
        let denials = template.all(FUNCTION).map(|(id, it)| Ok((id.to_owned(), denied(it)?)));
        Ok(Self {
            functions: Arc::new(functions.collect()),
            denials: Arc::new(denials.collect::<Result<_, String>>()?),
            used: Arc::default(),
            denied: Arc::default(),
            names,
        })
    }

    /// The functions, by their logical id.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }

    /// The actions that a function may do, but has not done so far.
    pub fn unused(&self, function: &str) -> Vec<Action> {
        let used = lock(&self.used);
        let used = used.get(function);
        let is_used =
            |granted: &Action| used.is_some_and(|it| it.iter().any(|it| granted.covers(it)));
        let granted = self.functions.get(function).into_iter().flatten();
        granted.filter(|granted| !is_used(granted)).cloned().collect()
    }

    /// The denied actions of the functions.
    pub fn denied(&self) -> Vec<(String, Action)> {
        lock(&self.denied).iter().cloned().collect()
    }

    /// Authorizes a call, and records its actions. The error is the action that the caller may not do.
    pub(crate) fn authorize(&self, caller: &str, requested: Vec<Action>) -> Result<(), Action> {
        let Some(granted) = self.functions.get(caller) else { return Ok(()) };
        let denials = self.denials.get(caller).map(Vec::as_slice).unwrap_or_default();
        let is_granted = |requested: &Action| {
            granted.iter().any(|granted| granted.covers(requested))
                && !denials.iter().any(|denial| denial.covers(requested))
        };
        if let Some(denied) = requested.iter().find(|requested| !is_granted(requested)) {
            let denied = Action { leading_key: None, ..denied.clone() };
            lock(&self.denied).insert((caller.to_owned(), denied.clone()));
            return Err(denied);
        }
        let used = requested.into_iter().map(|requested| Action { leading_key: None, ..requested });
        lock(&self.used).entry(caller.to_owned()).or_default().extend(used);
        Ok(())
    }

    /// The actions of a call to DynamoDB. A transaction needs the permissions of its parts.
    pub(crate) fn of_dynamodb(&self, operation: &str, body: &[u8]) -> Vec<Action> {
        let table = format!("${{{}.Arn}}", self.names.table);
        let action = |name: &str, part: &Json| Action {
            name: format!("dynamodb:{name}"),
            resource: table.clone(),
            leading_key: leading_key(part),
        };
        let request: Json = serde_json::from_slice(body).unwrap_or_default();
        match operation {
            "TransactWriteItems" | "TransactGetItems" => {
                let items = request["TransactItems"].as_array().into_iter().flatten();
                let parts = items.filter_map(Json::as_object).flatten();
                parts.map(|(part, item)| action(part_of_transaction(part), item)).collect()
            }
            _ => {
                let Action { name, resource, leading_key } = action(operation, &request);
                let index = request["IndexName"].as_str().map(|index| format!("/index/{index}"));
                let resource = resource + &index.unwrap_or_default();
                vec![Action { name, resource, leading_key }]
            }
        }
    }

    /// The actions of a call to S3, on an object of that key.
    pub(crate) fn of_s3(&self, operation: &str, key: &str) -> Vec<Action> {
        let resource = format!("${{{}.Arn}}/{key}", self.names.bucket);
        vec![Action { name: format!("s3:{operation}"), resource, leading_key: None }]
    }

    /// The actions of a call to Secrets Manager, on the secret with this ARN. Without an ARN, on the secret of the
    /// template.
    pub(crate) fn of_secret(&self, operation: &str, arn: Option<&str>) -> Vec<Action> {
        let own = || format!("${{{}}}", self.names.secret.as_deref().unwrap_or_default());
        let resource = arn.map_or_else(own, str::to_owned);
        vec![Action { name: format!("secretsmanager:{operation}"), resource, leading_key: None }]
    }

    /// The actions of a call to `EventBridge`, on those buses.
    pub(crate) fn of_events(operation: &str, buses: Vec<String>) -> Vec<Action> {
        let name = format!("events:{operation}");
        let action = |resource| Action { name: name.clone(), resource, leading_key: None };
        buses.into_iter().map(action).collect()
    }

    /// The actions of a call to SES.
    pub(crate) fn of_ses(operation: &str) -> Vec<Action> {
        let name = format!("ses:{operation}");
        vec![Action { name, resource: String::new(), leading_key: None }]
    }
}

impl Action {
    /// Whether the grant includes the action.
    fn covers(&self, requested: &Self) -> bool {
        let is_about = match self.resource.strip_suffix('*') {
            _ if requested.resource.is_empty() => true,
            Some(start) => requested.resource.starts_with(start),
            None => self.resource == requested.resource,
        };
        self.name == requested.name && is_about
    }
}

impl Denial {
    fn covers(&self, requested: &Action) -> bool {
        let is_denied = |key: &str| {
            self.keys.iter().any(|pattern| match pattern.strip_suffix('*') {
                Some(start) => key.starts_with(start),
                None => pattern == key,
            })
        };
        self.actions.contains(&requested.name)
            && requested.leading_key.as_deref().is_some_and(is_denied)
    }
}

/// The partition key of the item that a call, or a part of one, names.
fn leading_key(part: &Json) -> Option<String> {
    let key = if part["Key"].is_object() { &part["Key"] } else { &part["Item"] };
    key["pk"]["S"].as_str().map(str::to_owned)
}

/// The permission that a part of a transaction needs.
fn part_of_transaction(part: &str) -> &str {
    match part {
        "Get" => "GetItem",
        "Put" => "PutItem",
        "Update" => "UpdateItem",
        "Delete" => "DeleteItem",
        "ConditionCheck" => "ConditionCheckItem",
        other => other,
    }
}

/// The statements of a function's policies with that effect.
fn statements(function: &Json, effect: &str) -> Vec<Json> {
    let policies = list(&function["Policies"]);
    let statements = policies.iter().flat_map(|policy| list(&policy["Statement"]));
    let statements = statements.flat_map(branches);
    statements.filter(|statement| statement["Effect"] == effect).collect()
}

/// The denials in the policies of a function. Fails for a denial without a condition on the partition key, because the
/// embedded AWS would ignore it.
fn denied(function: &Json) -> Result<Vec<Denial>, String> {
    let texts = |value: &Json| -> Vec<String> {
        list(value).iter().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let denial = |statement: Json| {
        let keys = texts(&statement["Condition"]["ForAnyValue:StringLike"]["dynamodb:LeadingKeys"]);
        if keys.is_empty() {
            return Err(format!("a statement denies without dynamodb:LeadingKeys: {statement}"));
        }
        Ok(Denial { actions: texts(&statement["Action"]), keys })
    };
    statements(function, "Deny").into_iter().map(denial).collect()
}

/// The actions that a function's policies allow: every action of a statement on every resource of it.
fn granted(function: &Json, template: &Template) -> BTreeSet<Action> {
    let statements = statements(function, "Allow").into_iter();
    let pairs = statements.flat_map(|statement| {
        let resources = list(&statement["Resource"]);
        let resources: Vec<_> = resources.iter().flat_map(|it| words(it, template)).collect();
        let actions = list(&statement["Action"]);
        let pairs = actions.iter().filter_map(Json::as_str).flat_map(|name| {
            let action = |resource: &String| Action {
                name: name.to_owned(),
                resource: resource.clone(),
                leading_key: None,
            };
            resources.iter().map(action).collect::<Vec<_>>()
        });
        pairs.collect::<Vec<_>>()
    });
    pairs.collect()
}

/// The value as a list: a policy has either one value or a list.
fn list(value: &Json) -> Vec<Json> {
    let items = value.as_array().cloned();
    items.unwrap_or_else(|| if value.is_null() { Vec::new() } else { vec![value.clone()] })
}

/// A resource in the words of the template. A choice (`!If`) has both resources. A parameter is the ARN of any resource
/// of the deployer.
fn words(resource: &Json, template: &Template) -> Vec<String> {
    let named = |value: &Json| format!("${{{}}}", value.as_str().unwrap_or_default());
    match resource.as_object().and_then(|tag| tag.iter().next()) {
        Some((tag, value)) if tag == "Ref" && value == "AWS::NoValue" => Vec::new(),
        Some((tag, value)) if tag == "Ref" && !template.has(value.as_str().unwrap_or_default()) => {
            vec!["arn:*".to_owned()]
        }
        Some((tag, value)) if tag == "Ref" || tag == "Fn::GetAtt" => vec![named(value)],
        Some((tag, value)) if tag == "Fn::Sub" => {
            list(value).first().and_then(Json::as_str).map(str::to_owned).into_iter().collect()
        }
        Some((tag, value)) if tag == "Fn::If" => {
            list(value).iter().skip(1).flat_map(|it| words(it, template)).collect()
        }
        _ => resource.as_str().map(str::to_owned).into_iter().collect(),
    }
}
