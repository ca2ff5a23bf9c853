"""Who bought, where it goes, and what the buyer said about offers."""

from typing import Final

from adapters.shops.shopify import payload as body
from adapters.shops.shopify.values import maybe_when
from connector.model.customer import Address, Buyer, Consent, ConsentState, normal_email

CONSENT: Final = {
    "subscribed": ConsentState.GRANTED,
    "unsubscribed": ConsentState.DENIED,
    # not_subscribed means "was never asked"; pending, invalid and redacted are no word either.
}


def buyer_of(raw: body.OrderBody) -> Buyer:
    """Build the buyer; the first e-mail and phone that are given count."""
    customer = raw.customer or body.Customer()
    billing, shipping = raw.billing_address, raw.shipping_address
    first, last = customer.first_name or "", customer.last_name or ""
    for address in (billing, shipping):
        if not (first or last) and address is not None:
            first, last = address.first_name or "", address.last_name or ""
    emails = (raw.email, raw.contact_email, customer.email)
    phones = (
        raw.phone,
        customer.phone,
        shipping.phone if shipping else None,
        billing.phone if billing else None,
    )
    return Buyer(
        ref=str(customer.id) if customer.id else None,
        name=" ".join(f"{first} {last}".split()),
        first_name=first.strip(),
        last_name=last.strip(),
        email=next((mail for text in emails if (mail := normal_email(text))), None),
        phone=next((text.strip() for text in phones if text and text.strip()), None),
        locale=raw.customer_locale or None,
        consents=(_consent(customer.email_marketing_consent),),
    )


def _consent(raw: body.EmailConsent | None) -> Consent:
    """Read the customer's present word; the tick at checkout is older than it."""
    if raw is None or not raw.state:
        return Consent("email", ConsentState.UNKNOWN)
    return Consent(
        channel="email",
        state=CONSENT.get(raw.state.lower(), ConsentState.UNKNOWN),
        source=f"shopify {(raw.opt_in_level or 'unknown').lower()}",
        at=maybe_when(
            raw.consent_updated_at, "customer.email_marketing_consent.consent_updated_at"
        ),
    )


def address_of(raw: body.Address | None) -> Address | None:
    """Build an address; None for one without any part."""
    if raw is None:
        return None
    name = raw.name or f"{raw.first_name or ''} {raw.last_name or ''}"
    address = Address(
        name=" ".join(name.split()),
        company=raw.company or "",
        line1=raw.address1 or "",
        line2=raw.address2 or "",
        city=raw.city or "",
        region=raw.province_code or raw.province or "",
        postal_code=raw.zip or "",
        country=raw.country_code or "",
        phone=raw.phone or "",
    )
    return None if address == Address() else address
