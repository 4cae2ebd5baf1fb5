//! `…/redirect_urls`

use crate::cx::Result;
use crate::http::operator_call::OperatorCall;
use crate::http::reply::Reply;
use crate::ops::management::redirect_urls;
use crate::wire::{Fields, Object};
use ostiary_core::error::ErrorType;
use ostiary_core::redirect_url::{RedirectUrl, RedirectUrlType, ValidType};

fn read(url: &str, fields: &Fields) -> Result<RedirectUrl> {
    let mut valid_types: Vec<ValidType> = Vec::new();
    for entry in fields.objects("valid_types")?.unwrap_or_default() {
        let kind =
            RedirectUrlType::parse(entry.required("type")?).ok_or(ErrorType::InvalidRedirectUrlType)?;
        let valid = ValidType { r#type: kind, is_default: entry.boolean("is_default")?.unwrap_or_default() };
        match valid_types.iter_mut().find(|known| known.r#type == kind) {
            Some(known) => *known = valid,
            None => valid_types.push(valid),
        }
    }
    Ok(RedirectUrl { url: url.to_owned(), valid_types })
}

fn promotes(fields: &Fields) -> Result<bool> {
    Ok(!fields.boolean("do_not_promote_defaults")?.unwrap_or_default())
}

/// `POST …`
pub async fn create(call: OperatorCall) -> Result<Reply> {
    let url = read(call.fields.required("url")?, &call.fields)?;
    let promotes = promotes(&call.fields)?;
    let url = redirect_urls::create(&call.operator, &call.place()?, url, promotes).await?;
    Ok(Object::new().field("redirect_url", &url).into())
}

/// `GET …?url=`
pub async fn get(call: OperatorCall) -> Result<Reply> {
    let url = redirect_urls::get(&call.operator, &call.place()?, call.query.required("url")?).await?;
    Ok(Object::new().field("redirect_url", &url).into())
}

/// `GET …/all`
pub async fn list(call: OperatorCall) -> Result<Reply> {
    let urls = redirect_urls::list(&call.operator, &call.place()?).await?;
    Ok(Object::new().field("redirect_urls", &urls).into())
}

/// `PUT …?url=`
pub async fn update(call: OperatorCall) -> Result<Reply> {
    let url = read(call.query.required("url")?, &call.fields)?;
    let promotes = promotes(&call.fields)?;
    let url = redirect_urls::update(&call.operator, &call.place()?, url, promotes).await?;
    Ok(Object::new().field("redirect_url", &url).into())
}

/// `DELETE …?url=`
pub async fn delete(call: OperatorCall) -> Result<Reply> {
    let (url, promotes) = (call.query.required("url")?, promotes(&call.query)?);
    redirect_urls::delete(&call.operator, &call.place()?, url, promotes).await?;
    Ok(Object::new().into())
}
