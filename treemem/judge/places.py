"""Names of countries and continents, folded: who lives in one of them may live in a town of it as well."""

from __future__ import annotations

COUNTRIES = frozenset(
    name.strip()
    for name in """afghanistan,albania,algeria,america,angola,argentina,armenia,australia,austria,azerbaijan,bahrain,
    bangladesh,belarus,belgium,bolivia,bosnia,botswana,brazil,britain,bulgaria,cambodia,cameroon,canada,chile,china,
    colombia,costa rica,croatia,cuba,cyprus,czech republic,czechia,denmark,ecuador,egypt,england,estonia,ethiopia,
    finland,france,georgia,germany,ghana,great britain,greece,guatemala,haiti,honduras,hungary,iceland,india,indonesia,
    iran,iraq,ireland,israel,italy,jamaica,japan,jordan,kazakhstan,kenya,kuwait,latvia,lebanon,libya,lithuania,
    luxembourg,madagascar,malaysia,mali,malta,mexico,moldova,mongolia,montenegro,morocco,mozambique,myanmar,namibia,
    nepal,netherlands,the netherlands,new zealand,nicaragua,nigeria,north macedonia,norway,oman,pakistan,panama,
    paraguay,peru,philippines,the philippines,poland,portugal,qatar,romania,russia,rwanda,saudi arabia,scotland,senegal,
    serbia,singapore,slovakia,slovenia,somalia,south africa,south korea,korea,spain,sri lanka,sudan,sweden,switzerland,
    syria,taiwan,tanzania,thailand,tunisia,turkey,uganda,uk,the uk,ukraine,united kingdom,united states,the us,us,usa,
    the usa,uruguay,uzbekistan,venezuela,vietnam,wales,yemen,zambia,zimbabwe,africa,asia,europe,south america,
    north america,california,texas,florida,中国,美国,英国,法国,德国,日本,韩国,加拿大,澳大利亚,意大利,西班牙,俄罗斯,
    印度,新加坡,欧洲,亚洲,非洲""".replace("\n", "").split(",")
)
