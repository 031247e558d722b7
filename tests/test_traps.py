"""What sounds like a change and is none, as a stranger to the judge wrote it: nothing is closed."""

from __future__ import annotations

import pytest

from treemem.ingest.statements import Statement
from treemem.judge.supersession import Outdated, outdated

TRAPS = [
    ("My dentist is Dr. Wu.", "I cancelled my dentist appointment."),
    ("My doctor is Dr. Lee.", "I cancelled my doctor appointment."),
    ("My therapist is Dr. Kim.", "I cancelled my therapist appointment."),
    ("My phone is a Pixel 7.", "I cancelled my phone contract."),
    ("I live in Berlin.", "I moved to Munich, is what I texted my ex."),
    ("I live in Berlin.", "I moved to Munich, goes my CV."),
    ("I live in Berlin.", "I moved to Munich, is the line I give recruiters."),
    ("I work at Siemens.", "I left Siemens, is how my ex put it."),
    ("I drink coffee.", "I no longer drink coffee, is what my app shows."),
    ("My rent is 700 euros.", "My rent went up to 750 euros, is what Tom posted."),
    ("I work at MIT.", "I graduated from MIT."),
    ("I teach at MIT.", "I graduated from MIT."),
    ("I work at Stanford.", "I graduated from Stanford."),
    ("I live in Boston.", "I graduated from Boston."),
    ("I go to the gym.", "I went from the gym to the office."),
    ("I go to Costco.", "I went from Costco to Ikea."),
    ("I work at Starbucks.", "I went from Starbucks to Target."),
    ("I take the metro to work.", "I went from the metro to the bus stop."),
    ("I am based in Lyon.", "I transferred from Lyon to Paris on the way."),
    ("I go to the gym.", "I'm off to the gym!"),
    ("The standup is every Monday at 9.", "The standup is over."),
    ("Our yoga class is on Mondays at 6.", "Our yoga class is over."),
    ("I eat breakfast.", "I finished breakfast."),
    ("I play chess.", "I finished chess."),
    ("I play tennis.", "I finished tennis."),
    ("I drink tea.", "I finished my tea."),
    ("I am working at Shell.", "I finished working."),
    ("I am training for a marathon.", "I finished training."),
    ("I play guitar.", "I stopped playing."),
    ("I am reading Dune.", "I stopped reading."),
    ("My phone is a Pixel.", "My phone died."),
    ("My laptop is a ThinkPad.", "My laptop died."),
    ("I drive a Honda.", "My Honda died."),
    ("Our server is db1.", "Our server shut down."),
    ("My passport is blue.", "My passport expired."),
    ("I use Vim.", "I quit Vim."),
    ("I use Slack.", "I quit Slack."),
    ("I use Photoshop.", "I quit Photoshop."),
    ("I drive a taxi.", "I returned the taxi."),
    ("I drive a bus.", "I returned the bus."),
    ("I have a lucky coin.", "I tossed the lucky coin."),
    ("I have a salad.", "I tossed the salad."),
    ("I have an umbrella.", "I tossed the umbrella."),
    ("I climb with a rope.", "I let go of the rope."),
    ("我喝咖啡。", "太晚了，不喝咖啡了。"),
    ("我喝咖啡。", "今天我喝茶，不喝咖啡了。"),
    ("我吃米饭。", "饱了，不吃米饭了。"),
    ("我坐地铁上班。", "今天不坐地铁了。"),
    ("我的空调是格力。", "空调关了。"),
    ("我在用电脑。", "电脑关了。"),
    ("我用苹果手机。", "我手机关了。"),
    ("我开特斯拉。", "特斯拉停了。"),
]
#: What is plainly over, beside them.
OVER = [
    ("I drink coffee.", "I no longer drink coffee."),
    ("I live in Berlin.", "I moved to Munich."),
    ("I play the guitar.", "I stopped playing the guitar."),
    ("My rent is 700 euros.", "My rent went up to 750 euros."),
    ("I work at Siemens as an engineer.", "I resigned from Siemens."),
    ("我喝咖啡。", "我戒了咖啡。"),
]


def said(text: str, at: int) -> Statement:
    return Statement(str(at), "", "user", text, (at, 0, 0), at, message=True)


@pytest.mark.parametrize(("older", "newer"), TRAPS)
def test_nothing_is_closed_by_what_only_sounds_like_a_change(older: str, newer: str) -> None:
    assert outdated(said(older, 1), said(newer, 2)) is not Outdated.STATED


@pytest.mark.parametrize(("older", "newer"), OVER)
def test_what_is_plainly_over_is_closed(older: str, newer: str) -> None:
    assert outdated(said(older, 1), said(newer, 2)) is Outdated.STATED
