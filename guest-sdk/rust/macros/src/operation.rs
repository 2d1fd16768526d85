//! From a function to an operation: the function becomes the call, and a type of the same name holds what else there is.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, Error, FnArg, ItemFn, ReturnType, Safety, Signature, Type};

/// The operation, or the function as it was and an error about it.
pub(crate) fn expand(arguments: &TokenStream, function: &TokenStream) -> TokenStream {
    let parse = || {
        if !arguments.is_empty() {
            let message = "`operation` takes no arguments: options are given where it is called";
            return Err(Error::new_spanned(arguments, message));
        }
        let parsed: ItemFn = syn::parse2(function.clone())
            .map_err(|error| Error::new(error.span(), "an operation is a function"))?;
        Operation::new(parsed)
    };
    match parse() {
        Ok(operation) => operation.into_tokens(),
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#error #function)
        }
    }
}

struct Operation {
    function: ItemFn,
    /// None of an operation without input.
    input: Option<Box<Type>>,
    output: Box<Type>,
}

impl Operation {
    fn new(function: ItemFn) -> syn::Result<Self> {
        let (input, output) = input_and_output(&function.sig)?;
        Ok(Self {
            function,
            input,
            output,
        })
    }

    fn into_tokens(self) -> TokenStream {
        let ItemFn {
            attrs,
            vis,
            sig,
            block,
            ..
        } = self.function;
        let (name, arguments, output) = (&sig.ident, &sig.inputs, &self.output);
        let text = name.to_string();
        let text = text.strip_prefix("r#").unwrap_or(&text);
        let About {
            conditions,
            call,
            body,
        } = About::new(attrs);
        let parameter = self.input.as_ref().map(|input| quote!(input: #input));
        let given = self.input.as_ref().map_or(quote!(&()), |_| quote!(&input));
        let perform = if self.input.is_some() {
            quote!(perform_with)
        } else {
            quote!(perform)
        };
        let invoke = quote_spanned!(output.span()=> ::chitin::export::invoke);
        quote! {
            #(#conditions)*
            #(#call)*
            #vis fn #name(#parameter) -> #output {
                #invoke(#text, ::core::option::Option::None, #given)
            }

            #(#conditions)*
            #[doc = concat!("The operation `", #text, "`, called with options or without a transaction of its own.")]
            #[allow(non_camel_case_types, reason = "it has the name of the function")]
            #[derive(Clone, Copy, Debug)]
            #vis struct #name {}

            #(#conditions)*
            #[allow(
                dead_code, clippy::needless_pass_by_value, clippy::unnecessary_wraps,
                reason = "not every operation is called in every way, and all are of the same form"
            )]
            impl #name {
                #[doc(hidden)]
                #vis const OPERATION: ::chitin::export::Operation = ::chitin::export::Operation {
                    name: #text,
                    perform: |input| ::chitin::export::#perform(#text, Self::here, input),
                };

                /// Calls the operation in a transaction with these options.
                #vis fn with(options: ::chitin::TransactionOptions, #parameter) -> #output {
                    #invoke(#text, ::core::option::Option::Some(options), #given)
                }

                /// Does what the operation does, as a part of the transaction that is open here, in this same instance.
                #(#body)*
                #vis fn here(#arguments) -> #output #block
            }
        }
    }
}

/// What is written above the function, by what it is about.
#[derive(Default)]
struct About {
    /// Whether there is an operation at all.
    conditions: Vec<Attribute>,
    call: Vec<Attribute>,
    body: Vec<Attribute>,
}

impl About {
    fn new(attributes: Vec<Attribute>) -> Self {
        let mut about = Self::default();
        for attribute in attributes {
            let is = |names: &[&str]| names.iter().any(|name| attribute.path().is_ident(name));
            if is(&["cfg"]) {
                about.conditions.push(attribute);
            } else if is(&["doc", "deprecated", "must_use"]) {
                about.call.push(attribute);
            } else {
                about.body.push(attribute);
            }
        }
        about
    }
}

/// The types of the only argument, if there is one, and of the result.
fn input_and_output(signature: &Signature) -> syn::Result<(Option<Box<Type>>, Box<Type>)> {
    let fail = |what: &dyn quote::ToTokens, message: &str| Err(Error::new_spanned(what, message));
    let Signature {
        generics, output, ..
    } = signature;
    if let Some(asyncness) = &signature.asyncness {
        return fail(
            asyncness,
            "an operation is not `async`: the functions of the database are not either",
        );
    }
    if !generics.params.is_empty() || generics.where_clause.is_some() {
        return fail(
            generics,
            "an operation has no generic parameters: the host calls it by its name alone",
        );
    }
    if let Some(constness) = &signature.constness {
        return fail(constness, "an operation is not `const`");
    }
    if let Some(abi) = &signature.abi {
        return fail(abi, "an operation is an ordinary function, not `extern`");
    }
    if let Safety::Unsafe(token) = &signature.safety {
        return fail(token, "an operation is not `unsafe`: the host calls it");
    }
    let mut inputs = signature.inputs.iter();
    let input = inputs.next().map(input_type).transpose()?;
    if let Some(second) = inputs.next() {
        return fail(
            second,
            "an operation has one input, or none: put several values into a struct or a tuple",
        );
    }
    match output {
        ReturnType::Type(_, output) if !matches!(**output, Type::ImplTrait(_)) => {
            Ok((input, output.clone()))
        }
        ReturnType::Type(_, output) => fail(
            output,
            "an operation has an output whose type is named: it is read from JSON where it is called",
        ),
        ReturnType::Default => fail(
            &signature.ident,
            "an operation returns a `Result`, such as `chitin::Result<()>`: its transaction can always fail",
        ),
    }
}

fn input_type(argument: &FnArg) -> syn::Result<Box<Type>> {
    let argument = match argument {
        FnArg::Receiver(receiver) => {
            let message = "an operation has no `self`: it runs in a fresh instance, which has nothing but its input";
            return Err(Error::new_spanned(receiver, message));
        }
        FnArg::Typed(argument) => argument,
    };
    let message = if matches!(*argument.ty, Type::Reference(_)) {
        "an operation takes its input by value: it is read from JSON in a fresh instance"
    } else if matches!(*argument.ty, Type::ImplTrait(_)) {
        "an operation takes an input whose type is named: it is read from JSON in a fresh instance"
    } else {
        return Ok(argument.ty.clone());
    };
    Err(Error::new_spanned(&argument.ty, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the compiler would say about this function.
    fn error(function: &TokenStream) -> String {
        let expanded = expand(&TokenStream::new(), function).to_string();
        let (_, rest) = expanded
            .split_once("compile_error ! { \"")
            .unwrap_or_else(|| panic!("no error in {expanded}"));
        rest.split_once("\" }").expect("its end").0.to_owned()
    }

    #[test]
    fn what_cannot_be_an_operation_is_told_why() {
        for (function, words) in [
            ("async fn f() -> Result<()> {}", "`async`"),
            ("fn f<T>(input: T) -> Result<()> {}", "generic"),
            ("fn f<'a>(input: A<'a>) -> Result<()> {}", "generic"),
            ("const fn f() -> Result<()> {}", "`const`"),
            ("unsafe fn f() -> Result<()> {}", "`unsafe`"),
            ("extern \"C\" fn f() -> Result<()> {}", "`extern`"),
            ("fn f(&self) -> Result<()> {}", "`self`"),
            ("fn f(a: u8, b: u8) -> Result<()> {}", "one input, or none"),
            ("fn f(a: &str) -> Result<()> {}", "by value"),
            ("fn f(a: impl Debug) -> Result<()> {}", "named"),
            ("fn f() -> impl Debug {}", "named"),
            ("fn f() {}", "`chitin::Result<()>`"),
            ("struct F;", "is a function"),
        ] {
            let said = error(&function.parse().expect("tokens"));
            assert!(said.contains(words), "{function}: {said}");
        }
    }

    #[test]
    fn the_function_stays_beside_its_error() {
        let function = quote!(
            async fn f() -> Result<()> {}
        );
        let expanded = expand(&TokenStream::new(), &function).to_string();
        assert!(expanded.ends_with(&function.to_string()), "{expanded}");
    }

    #[test]
    fn arguments_of_the_attribute_are_refused() {
        let expanded = expand(
            &quote!(retries = 3),
            &quote!(
                fn f() -> Result<()> {}
            ),
        )
        .to_string();
        assert!(expanded.contains("takes no arguments"), "{expanded}");
    }

    #[test]
    fn attributes_go_where_they_belong() {
        let function = quote! {
            /// Said of the call.
            #[cfg(unix)]
            #[expect(clippy::of_the_body)]
            fn f(In { a }: In) -> Result<Out> { a.body() }
        };
        let operation = expand(&TokenStream::new(), &function).to_string();
        let count = |words: TokenStream| operation.matches(&words.to_string()).count();
        assert_eq!(count(quote!(#[cfg(unix)])), 3, "{operation}");
        assert_eq!(
            count(quote!(#[doc = r" Said of the call."])),
            1,
            "{operation}"
        );
        let body = quote!(
            #[expect(clippy::of_the_body)]
            fn here(In { a }: In) -> Result<Out> {
                a.body()
            }
        );
        assert_eq!(count(body), 1, "{operation}");
        assert_eq!(
            count(quote!(fn f(input: In) -> Result<Out>)),
            1,
            "{operation}"
        );
    }
}
