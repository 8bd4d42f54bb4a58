"""Which training methods column layouts fit: each layout with rows as real datasets have them."""

from typing import Any

import pytest

from tests.stand_ins.viewer_data import Split
from tools.hub.datasets.columns import columns_of
from tools.hub.datasets.methods import fits_of
from tools.hub.datasets.table import Fit

Rows = list[dict[str, Any]]
LONG = "The water cycle moves water from sea to sky and back again in {} steps that never end."
CLASS = {"_type": "ClassLabel", "names": ["neg", "pos"]}
IMAGE = {"_type": "Image"}
AUDIO = {"_type": "Audio", "sampling_rate": 16000}
PICTURE = {"src": "https://x.example/i.jpg", "height": 8, "width": 8}
SOUND = [{"src": "https://x.example/a.wav", "type": "audio/wav"}]
TAGS = {"_type": "List", "feature": {"_type": "ClassLabel", "names": ["O", "B-PER", "I-PER"]}}


def chat(i: int, *roles: str, key: str = "role", text: str = "content") -> list[dict[str, str]]:
    return [{key: role, text: f"{role} says {i} to {n}"} for n, role in enumerate(roles)]


def rows(count: int = 12, **columns: Any) -> Rows:
    """Rows from columns: a function of the row's number, or one value for all."""
    return [{n: c(i) if callable(c) else c for n, c in columns.items()} for i in range(count)]


def fits(data: Rows, **features: Any) -> list[Fit]:
    split = Split(data, features)
    return fits_of(columns_of(split.feature_items(), split.items(range(len(data)))))


def prose(i: int) -> str:
    return LONG.format(i)


def question(i: int) -> str:
    return f"What is {i} plus {i}, and why is it so?"


#: (id, rows, features, {method: part of the change; "" for none}, methods that must not appear)
LAYOUTS: list[tuple[str, Rows, dict[str, Any], dict[str, str], tuple[str, ...]]] = [
    ("text", rows(text=prose), {}, {"SFT (text)": ""}, ("DPO", "text classification")),
    ("content", rows(content=prose), {}, {"SFT (text)": "rename content to text"}, ()),
    ("templated text", rows(text=lambda i: f"<|im_start|>user\nHi, how are you {i}<|im_end|>"),
     {}, {"SFT (text)": ""}, ("SFT (messages)",)),
    ("prompt and completion", rows(prompt=question, completion=prose), {},
     {"SFT (prompt-completion)": ""}, ("DPO", "KTO")),
    ("question and response", rows(question=question, response=prose), {},
     {"SFT (prompt-completion)": "rename question to prompt, response to completion"}, ("KTO",)),
    ("alpaca", rows(instruction=question, input="", output=prose), {},
     {"SFT (prompt-completion)": "join instruction and input"}, ("DPO",)),
    ("prompt and completion as chats",
     rows(prompt=lambda i: chat(i, "user"), completion=lambda i: chat(i, "assistant")), {},
     {"SFT (prompt-completion)": ""}, ("SFT (messages)", "DPO", "GRPO (prompt only)")),
    ("messages", rows(messages=lambda i: chat(i, "system", "user", "assistant")), {},
     {"SFT (messages)": ""}, ("DPO", "GRPO (prompt only)")),
    ("messages and tools",
     rows(messages=lambda i: chat(i, "user", "assistant"), tools='[{"name": "f"}]'), {},
     {"SFT (messages)": ""}, ()),
    ("conversation", rows(conversation=lambda i: chat(i, "user", "assistant")), {},
     {"SFT (messages)": "rename conversation to messages"}, ()),
    ("ShareGPT", rows(conversations=lambda i: chat(i, "human", "gpt", key="from", text="value")),
     {}, {"SFT (messages)": "from/value to role/content"}, ()),
    ("chat as JSON text",
     rows(messages=lambda i: f'[{{"role": "user", "content": "a{i}"}}, '
                             f'{{"role": "assistant", "content": "b"}}]'),
     {}, {"SFT (messages)": "json.loads"}, ("SFT (text)",)),
    ("Json column", rows(messages=lambda i: chat(i, "user", "assistant")),
     {"messages": {"_type": "Json"}}, {"SFT (messages)": ""}, ()),
    ("object of lists",
     rows(messages=lambda i: {"role": ["user", "assistant"], "content": [f"a{i}", "b"]}),
     {"messages": {"_type": "Sequence", "feature": {
         "role": {"_type": "Value", "dtype": "string"},
         "content": {"_type": "Value", "dtype": "string"}}}},
     {"SFT (messages)": ""}, ()),
    ("chats that end with the user", rows(messages=lambda i: chat(i, "system", "user")), {},
     {"GRPO (prompt only)": "rename messages to prompt"}, ("SFT (messages)",)),
    ("DPO", rows(prompt=question, chosen=prose, rejected=lambda i: f"No idea at all {i}."), {},
     {"DPO": "", "reward model": ""}, ("SFT (prompt-completion)", "KTO")),
    ("DPO under other names",
     rows(question=question, chosen_response=prose, rejected_response=lambda i: f"No {i}."), {},
     {"DPO": "rename question to prompt", "reward model": "rename chosen_response to chosen"}, ()),
    ("DPO, implicit prompt in chats",
     rows(chosen=lambda i: [*chat(i, "user"), {"role": "assistant", "content": f"yes {i}"}],
          rejected=lambda i: [*chat(i, "user"), {"role": "assistant", "content": f"no {i}"}]),
     {}, {"DPO (implicit prompt)": "", "reward model": ""}, ("SFT (messages)",)),
    ("DPO, implicit prompt in text",
     rows(chosen=lambda i: f"\n\nHuman: tell me about {i} please\n\nAssistant: yes",
          rejected=lambda i: f"\n\nHuman: tell me about {i} please\n\nAssistant: no"),
     {}, {"DPO (implicit prompt)": ""}, ()),
    ("pairs without any prompt",
     rows(chosen=lambda i: f"{i} is a good answer", rejected=lambda i: f"bad answer {i}"),
     {}, {"DPO": "add the prompts", "reward model": ""}, ()),
    ("prompt repeated in chosen chats",
     rows(prompt=lambda i: f"user says {i} to 0",
          chosen=lambda i: chat(i, "user", "assistant"),
          rejected=lambda i: [*chat(i, "user"), {"role": "assistant", "content": "no"}]),
     {}, {"DPO": "drop prompt"}, ()),
    ("text prompt, chats to compare",
     rows(prompt=question, chosen=lambda i: chat(i, "assistant"),
          rejected=lambda i: chat(i + 1, "assistant")),
     {}, {"DPO": "make prompt a chat"}, ()),
    ("text prompt, chats that begin alike",
     rows(prompt=question,
          chosen=lambda i: [*chat(i, "user"), {"role": "assistant", "content": f"yes {i}"}],
          rejected=lambda i: [*chat(i, "user"), {"role": "assistant", "content": f"no {i}"}]),
     {}, {"DPO": "drop prompt: the chats of chosen and rejected begin"}, ()),
    ("arena", rows(question=question, response_a=prose, response_b=lambda i: prose(i + 50),
                   winner=lambda i: "ab"[i % 2]),
     {}, {"DPO (after pairing)": "by winner"}, ()),
    ("rated answers",
     rows(prompt=question, responses=lambda i: [f"a{i}", f"b{i}"], scores=lambda i: [0.5, 0.1]),
     {}, {"DPO (after pairing)": "chosen of the best"}, ()),
    ("KTO", rows(prompt=question, completion=prose, label=lambda i: i % 2 == 0), {},
     {"KTO": ""}, ("DPO",)),
    ("KTO with 0 and 1", rows(prompt=question, completion=prose, label=lambda i: i % 2), {},
     {"KTO": "true and false"}, ()),
    ("three classes are no verdict",
     rows(prompt=question, completion=prose, label=lambda i: i % 3), {}, {}, ("KTO",)),
    ("steps",
     rows(prompt=question, completions=lambda i: [f"a{i}", "b"], labels=lambda i: [True, False]),
     {}, {"PRM (stepwise supervision)": ""}, ()),
    ("GRPO with an answer", rows(prompt=question, answer=lambda i: str(2 * i)), {},
     {"GRPO (verifiable)": ""}, ("GRPO (prompt only)",)),
    ("GSM8K", rows(question=question, answer=lambda i: f"Add them, it makes twice.\n#### {2 * i}"),
     {}, {"GRPO (verifiable)": "rename question to prompt", "SFT (prompt-completion)": "rename"},
     ("text classification",)),
    ("boxed solution",
     rows(problem=question, solution=lambda i: f"We add and get what is \\boxed{{{2 * i}}}."), {},
     {"GRPO (verifiable)": "rename problem to prompt"}, ()),
    ("code with tests",
     rows(prompt=question, test_list=lambda i: [f"assert f({i}) == {i}"]), {},
     {"GRPO (verifiable)": ""}, ()),
    ("long answers cannot be verified",
     rows(question=question, answer=prose), {}, {"SFT (prompt-completion)": "rename"},
     ("GRPO (verifiable)",)),
    ("prompts alone", rows(prompt=question), {}, {"GRPO (prompt only)": ""}, ("KTO",)),
    ("prompts alone as chats", rows(prompt=lambda i: chat(i, "user")), {},
     {"GRPO (prompt only)": ""}, ("SFT (messages)",)),
    ("text and class label", rows(text=prose, label=lambda i: i % 2), {"label": CLASS},
     {"text classification": "", "SFT (text)": ""}, ("KTO",)),
    ("text and class as text",
     rows(text=prose, sentiment=lambda i: ["bad", "good", "fine"][i % 3]), {},
     {"text classification": "encode sentiment"}, ()),
    ("pairs with a class",
     rows(premise=prose, hypothesis=lambda i: prose(i + 9), label=lambda i: i % 2),
     {"label": CLASS}, {"sentence-pair classification": ""}, ("text classification",)),
    ("pairs with a score",
     rows(sentence1=prose, sentence2=lambda i: prose(i + 9), score=lambda i: i / 12), {},
     {"sentence similarity (regression)": ""}, ("text regression",)),
    ("text with a number", rows(text=prose, score=lambda i: i / 7), {},
     {"text regression": "rename score to label"}, ()),
    ("several classes for a text", rows(text=prose, labels=lambda i: [i % 3, 4]), {},
     {"multi-label classification": "one-hot"}, ("token classification",)),
    ("tokens and tags",
     rows(tokens=["Ann", "ran"], ner_tags=[1, 0]), {"ner_tags": TAGS},
     {"token classification": ""}, ("multi-label classification",)),
    ("tokens, tags as text", rows(words=["Ann", "ran"], tags=["B-PER", "O"]), {},
     {"token classification": "rename words to tokens; encode"}, ()),
    ("tags of another length", rows(tokens=["Ann", "ran", "on"], ner_tags=[1, 0]),
     {"ner_tags": TAGS}, {}, ("token classification",)),
    ("SQuAD",
     rows(question=question, context=prose, answers={"text": ["sea"], "answer_start": [9]}), {},
     {"extractive question answering": ""}, ("text classification",)),
    ("multiple choice",
     rows(question=question, choices=lambda i: ["a", "b"], answer=lambda i: i % 2), {},
     {"multiple choice": "rename answer to label"}, ("SFT (prompt-completion)",)),
    ("summaries", rows(article=lambda i: prose(i) * 6, highlights=prose), {},
     {"summarization": ""}, ()),
    ("translation", rows(translation=lambda i: {"en": f"one {i}", "de": f"eins {i}"}),
     {"translation": {"_type": "Translation", "languages": ["de", "en"]}},
     {"translation": ""}, ()),
    ("triplets", rows(anchor=prose, positive=lambda i: prose(i + 1), negative="no"), {},
     {"embeddings (triplets)": ""}, ()),
    ("table", rows(age=lambda i: i, fare=lambda i: i / 2, label=lambda i: i % 2),
     {"label": CLASS}, {"tabular classification": ""}, ("text classification",)),
    ("table without a label",
     rows(survived=lambda i: i % 2, fare=lambda i: i / 2, sex=lambda i: "mf"[i % 2],
          name=lambda i: f"Ann {i}"), {},
     {"tabular prediction": "choose the target; of few values are: survived (2), sex (2)"},
     ("text classification", "tabular classification")),
    ("a single class", rows(text=prose, label=0), {}, {"SFT (text)": ""},
     ("text classification",)),
    ("speech", rows(audio=SOUND, sentence=prose), {"audio": AUDIO},
     {"ASR (speech recognition)": "", "text to speech": ""}, ("SFT (text)",)),
    ("sounds", rows(audio=SOUND, label=lambda i: i % 2), {"audio": AUDIO, "label": CLASS},
     {"audio classification": ""}, ("ASR (speech recognition)",)),
    ("pictures", rows(image=PICTURE, label=lambda i: i % 2), {"image": IMAGE, "label": CLASS},
     {"image classification": ""}, ("image segmentation",)),
    ("captions", rows(image=PICTURE, caption=prose), {"image": IMAGE},
     {"image captioning, text to image": ""}, ()),
    ("masks", rows(image=PICTURE, annotation=PICTURE), {"image": IMAGE, "annotation": IMAGE},
     {"image segmentation": ""}, ("image to image",)),
    ("boxes", rows(image=PICTURE, objects={"bbox": [[1, 2, 3, 4]], "category": [1]}),
     {"image": IMAGE}, {"object detection": ""}, ()),
    ("questions about pictures", rows(image=PICTURE, question=question, answer="red"),
     {"image": IMAGE}, {"visual question answering": "messages"}, ()),
    ("chats about pictures",
     rows(images=[PICTURE], messages=lambda i: chat(i, "user", "assistant")),
     {"images": {"_type": "List", "feature": IMAGE}}, {"VLM SFT (messages)": ""}, ()),
    ("nothing to train on", rows(id=lambda i: i), {}, {}, ("SFT (text)", "DPO")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "features", "wanted", "unwanted"),
    [layout[1:] for layout in LAYOUTS],
    ids=[layout[0] for layout in LAYOUTS],
)
def test_layout(
    data: Rows, features: dict[str, Any], wanted: dict[str, str], unwanted: tuple[str, ...]
) -> None:
    found = {fit.method: fit for fit in fits(data, **features)}
    for method, change in wanted.items():
        assert method in found, sorted(found)
        told = found[method].change
        assert (change in told) if change else told == ""
        assert found[method].reason
        assert set(found[method].columns) <= set(data[0])
    assert not set(unwanted) & found.keys()


def test_a_column_of_classes_is_no_prompt() -> None:
    found = fits(rows(text=prose, label=lambda i: "spam" if i % 2 else "ham"))
    assert [fit.method for fit in found][:1] == ["text classification"]


def test_empty_rows_judge_nothing() -> None:
    features = {"text": {"_type": "Value", "dtype": "string"}}
    assert fits_of(columns_of(Split([], features).feature_items(), [])) == []
