"""Codes of currencies, which exchanges use beside those of crypto assets."""

from __future__ import annotations

# ISO 4217: active codes, funds and metals, and withdrawn ones that are still quoted. A token of the same name
# (ALL, BSD, MNT, ERN, ...) is another thing: what Coinbase says under such a code is the currency's price, so that such
# an asset has Binance's price alone. A currency that is not listed would be taken for an asset of that ticker.
_CODES = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP
    BYN BYR BZD CAD CDF CHE CHF CHW CLF CLP CNH CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EEK
    EGP ERN ETB EUR FJD FKP GBP GBX GEL GGP GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS IMP
    INR IQD IRR ISK JEP JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LTL LVL
    LYD MAD MDL MGA MKD MMK MNT MOP MRO MRU MTL MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD
    OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SKK SLE SLL SOS
    SRD SSP STD STN SVC SYP SZL THB TJS TMM TMT TND TOP TRY TTD TVD TWD TZS UAH UGX USN UYI UYU UYW
    UZS VED VEF VES VND VUV WST XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA
    XXX YER ZAR ZMK ZMW ZWG ZWL
"""
CURRENCIES = frozenset(_CODES.split())
