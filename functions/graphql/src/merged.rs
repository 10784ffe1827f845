//! Several objects of Rust as one object of the schema.

use async_graphql::OutputType;
use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{MetaField, MetaType, Registry};

/// The fields of a part, which is no type of the schema itself. This code moves them. async-graphql's own
/// `MergedObject` copies the fields of each part once for every other part. That would be a tenth of the work of a cold
/// start.
pub(crate) fn fields_of<T: OutputType>(registry: &mut Registry) -> IndexMap<String, MetaField> {
    T::create_type_info(registry);
    match registry.types.remove(T::type_name().as_ref()) {
        Some(MetaType::Object { fields, .. }) => fields,
        _ => IndexMap::new(),
    }
}

/// Declares an object that has the fields of all its parts, in their order.
macro_rules! merged {
    ($(#[doc = $doc:literal])+ $visibility:vis struct $object:ident as $name:literal of $($part:ty),+) => {
        $(#[doc = $doc])+
        #[derive(Debug, Default)]
        $visibility struct $object;

        impl async_graphql::ObjectType for $object {}

        impl async_graphql::ContainerType for $object {
            async fn resolve_field(
                &self,
                ctx: &async_graphql::Context<'_>,
            ) -> async_graphql::ServerResult<Option<async_graphql::Value>> {
                $(
                    let part = <$part>::default();
                    if let Some(value) = async_graphql::ContainerType::resolve_field(&part, ctx).await? {
                        return Ok(Some(value));
                    }
                )+
                Ok(None)
            }
        }

        impl async_graphql::OutputType for $object {
            fn type_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn create_type_info(registry: &mut async_graphql::registry::Registry) -> String {
                use async_graphql::registry::{MetaType, MetaTypeId};

                registry.create_output_type::<Self, _>(MetaTypeId::Object, |registry| {
                    let mut fields = async_graphql::indexmap::IndexMap::new();
                    $(fields.extend($crate::merged::fields_of::<$part>(registry));)+
                    MetaType::Object {
                        name: $name.to_owned(),
                        description: Some(concat!($($doc),+).trim().to_owned()),
                        fields,
                        cache_control: async_graphql::CacheControl::default(),
                        extends: false,
                        shareable: false,
                        resolvable: true,
                        inaccessible: false,
                        interface_object: false,
                        tags: Vec::new(),
                        keys: None,
                        visible: None,
                        is_subscription: false,
                        rust_typename: Some(std::any::type_name::<Self>()),
                        directive_invocations: Vec::new(),
                        requires_scopes: Vec::new(),
                    }
                })
            }

            async fn resolve(
                &self,
                ctx: &async_graphql::ContextSelectionSet<'_>,
                _: &async_graphql::Positioned<async_graphql::parser::types::Field>,
            ) -> async_graphql::ServerResult<async_graphql::Value> {
                async_graphql::resolver_utils::resolve_container(ctx, self).await
            }
        }
    };
}

pub(crate) use merged;
