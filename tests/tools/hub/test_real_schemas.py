"""Which methods published datasets fit: columns as their viewer shows them, by dataset."""

from typing import Any

import pytest

from tests.tools.hub.test_methods import IMAGE, PICTURE, Rows, chat, fits, prose, question, rows
from tools.hub.datasets.columns import columns_of
from tools.hub.datasets.inspect import warnings_of_name
from tools.hub.datasets.warnings import doubts

IMAGES = {"images": {"_type": "List", "feature": IMAGE}}
ONE_IMAGE = {"image": IMAGE}
CALL = '[{"name": "f", "arguments": {"a": 1}}]'
TOOLS = '[{"type": "function", "function": {"name": "f"}}]'


def asked(i: int) -> list[dict[str, str]]:
    return chat(i, "user")


def answered(i: int) -> list[dict[str, str]]:
    return chat(i, "user", "assistant")


def shared(i: int) -> list[dict[str, str]]:
    return chat(i, "human", "gpt", key="from", text="value")


def bad(i: int) -> str:
    return f"No idea about {i}, look it up."


#: (dataset, rows, features, {method: part of the change; "" for none}). No other method fits.
SCHEMAS: list[tuple[str, Rows, dict[str, Any], dict[str, str]]] = [
    ("HuggingFaceH4/ultrachat_200k", rows(prompt=question, messages=answered), {},
     {"SFT (messages)": "drop prompt"}),
    ("HuggingFaceH4/ultrafeedback_binarized",
     rows(prompt=lambda i: f"user says {i} to 0", messages=answered, score_chosen=8.0,
          chosen=answered, rejected=lambda i: [*asked(i), {"role": "assistant", "content": "n"}]),
     {}, {"DPO": "drop prompt", "reward model": "drop prompt"}),
    ("teknium/OpenHermes-2.5", rows(conversations=shared, source="airoboros", category="orca"), {},
     {"SFT (messages)": "from/value"}),
    ("allenai/RLVR-GSM", rows(messages=asked, ground_truth=lambda i: str(i), dataset="gsm8k"), {},
     {"GRPO (verifiable)": "rename messages to prompt"}),
    ("laion/relaion2B-en",
     rows(url=lambda i: f"https://i.example/{i}.jpg", caption=prose, similarity=lambda i: i / 9,
          width=640, height=480), {}, {"image captioning, text to image": "img2dataset"}),
    ("trl-lib/llava-instruct-mix",
     rows(images=[PICTURE], prompt=asked, completion=lambda i: chat(i, "assistant")), IMAGES,
     {"SFT (prompt-completion)": ""}),
    ("trl-lib/rlaif-v",
     rows(images=[PICTURE], prompt=asked, chosen=lambda i: chat(i, "assistant"),
          rejected=lambda i: chat(i + 50, "assistant")), IMAGES, {"DPO": "", "reward model": ""}),
    ("lmms-lab/multimodal-open-r1-8k-verified",
     rows(image=PICTURE, problem=question,
          solution=lambda i: f"<think>sum</think><answer>{i}</answer>"), ONE_IMAGE,
     {"GRPO (verifiable)": "rename problem", "visual question answering": "messages"}),
    ("HuggingFaceM4/the_cauldron",
     rows(images=[PICTURE], texts=lambda i: [{"user": question(i), "assistant": prose(i)}]), IMAGES,
     {"VLM SFT (messages)": "user the user's"}),
    ("Salesforce/xlam-function-calling-60k",
     rows(id=lambda i: i, query=question, answers=CALL, tools=TOOLS), {},
     {"SFT (messages)": "tool_calls"}),
    ("tasksource/PRM800K",
     rows(question=lambda i: {"problem": question(i)},
          label=lambda i: {"steps": [{"completions": [{"text": "a", "rating": 1}]}]}), {},
     {"PRM (stepwise supervision)": "each step in label"}),
    ("trl-lib/DeepMath-103K", rows(prompt=asked, solution=lambda i: str(i)), {},
     {"GRPO (verifiable)": ""}),
    ("Open-Orca/OpenOrca",
     rows(system_prompt=lambda i: "Be kind." * (i % 2), question=question, response=prose), {},
     {"SFT (prompt-completion)": "put system_prompt in front"}),
    ("Intel/orca_dpo_pairs",
     rows(system="You are kind.", question=question, chosen=prose, rejected=bad), {},
     {"DPO": "put system in front", "reward model": "put system"}),
    ("sentence-transformers/natural-questions", rows(query=question, answer=prose), {},
     {"embeddings (pairs)": "", "SFT (prompt-completion)": "rename"}),
    ("eriktks/conll2003", rows(tokens=["EU", "says"], pos_tags=[3, 4], ner_tags=[1, 0]), {},
     {"token classification": ""}),
    ("open-r1/codeforces",
     rows(prompt=question, official_tests=[{"input": "1", "output": "2"}], rating=800), {},
     {"GRPO (verifiable)": ""}),
    ("nvidia/OpenMathReasoning",
     rows(problem=question, expected_answer=lambda i: str(i), generated_solution=prose), {},
     {"GRPO (verifiable)": "rename problem", "SFT (prompt-completion)": "generated_solution"}),
    ("trl-lib/kto-mix-14k",
     rows(prompt=asked, completion=lambda i: chat(i, "assistant"), label=lambda i: i % 2 == 0), {},
     {"KTO": ""}),
    ("openbmb/UltraFeedback",
     rows(source="s", instruction=question,
          completions=lambda i: [{"response": prose(i), "overall_score": 5.0},
                                 {"response": "no", "overall_score": 2.0}]), {},
     {"DPO (after pairing)": "best response"}),
    ("berkeley-nest/Nectar",
     rows(prompt=question, answers=lambda i: [{"answer": prose(i), "rank": 1.0}], turns=1), {},
     {"DPO (after pairing)": "best answer"}),
    ("nvidia/HelpSteer3",
     rows(context=asked, response1=prose, response2=bad, overall_preference=lambda i: i % 5 - 2),
     {}, {"DPO (after pairing)": "by overall_preference"}),
    ("openai/webgpt_comparisons",
     rows(answer_0=prose, answer_1=bad, score_0=lambda i: i / 3, score_1=lambda i: -i / 3), {},
     {"DPO (after pairing)": "by the rating"}),
    ("LDJnr/Capybara", rows(conversation=lambda i: [{"input": question(i), "output": prose(i)}]),
     {}, {"SFT (messages)": "input the user's, output the assistant's"}),
    ("GAIR/lima", rows(conversations=lambda i: [question(i), prose(i)], source="wiki"), {},
     {"SFT (messages)": "take turns"}),
    ("DAPO-Math, in verl's format",
     rows(data_source="gsm", prompt=asked, reward_model={"ground_truth": "1", "style": "rule"}), {},
     {"GRPO (verifiable)": ""}),
    ("open-thoughts/OpenThoughts-114k", rows(system="Think long.", conversations=shared), {},
     {"SFT (messages)": "put system in front"}),
    ("CohereForAI/aya_dataset", rows(inputs=question, targets=prose, language="en"), {},
     {"SFT (prompt-completion)": "rename inputs to prompt, targets to completion"}),
    ("OpenAssistant/oasst1",
     rows(message_id=lambda i: f"m{i}", parent_id=lambda i: f"m{i - 1}", text=prose,
          role=lambda i: ["prompter", "assistant"][i % 2]), {}, {"SFT (messages)": "parent_id"}),
    ("rows of token ids", rows(text=prose, input_ids=lambda i: [1, i, 5], labels=[-100, 4, 5],
                               attention_mask=[1, 1, 1]), {}, {"SFT (tokenized)": ""}),
    ("token ids of a classifier", rows(input_ids=lambda i: [1, i, 5], label=lambda i: i % 2), {},
     {}),
    ("chats with a verdict", rows(messages=answered, label=lambda i: i % 2 == 0), {},
     {"KTO": "split messages into prompt and completion"}),
    ("answers with a thumb", rows(prompt=question, response=prose,
                                  thumb=lambda i: ["up", "down"][i % 2]), {},
     {"KTO": "make thumb true where it is 'up'"}),
    ("an answer apart from its reasoning",
     rows(question=question, reasoning=prose, answer=lambda i: str(i)), {},
     {"SFT (prompt-completion)": "join reasoning and answer to completion",
      "GRPO (verifiable)": "rename question to prompt"}),
    ("HuggingFaceM4/ChartQA",
     rows(image=PICTURE, query=question, label=lambda i: [str(i)], human_or_machine=0), ONE_IMAGE,
     {"visual question answering": "write query and label"}),
    ("liuhaotian/LLaVA-Instruct-150K",
     rows(id=lambda i: f"{i:012}", image=lambda i: f"coco/{i:012}.jpg", conversations=shared), {},
     {"VLM SFT (messages)": "load the pictures that image names"}),
    ("glaiveai/glaive-function-calling-v2",
     rows(system=lambda i: f"SYSTEM: You are helpful {i}",
          chat=lambda i: f"USER: {question(i)}\n\nASSISTANT: {prose(i)} <|endoftext|>"), {},
     {"SFT (text)": "put system in front of chat"}),
    ("two answers with a system prompt",
     rows(system="Be brief.", prompt=question, response_a=prose, response_b=bad,
          winner=lambda i: ["a", "b"][i % 2]), {},
     {"DPO (after pairing)": "put system in front"}),
    ("google-research-datasets/mbpp",
     rows(task_id=lambda i: i, text=question, code=prose, test_list=["assert 1"]), {},
     {"GRPO (verifiable)": "rename text to prompt", "SFT (text)": ""}),
    ("cais/mmlu", rows(question=question, choices=["a", "b"], answer=lambda i: i % 2), {},
     {"multiple choice": "rename answer"}),
    ("lmsys/chatbot_arena_conversations",
     rows(conversation_a=answered, conversation_b=answered, winner=lambda i: ["a", "tie"][i % 2]),
     {}, {"DPO (after pairing)": "by winner"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "features", "wanted"), [one[1:] for one in SCHEMAS], ids=[one[0] for one in SCHEMAS]
)
def test_schema(data: Rows, features: dict[str, Any], wanted: dict[str, str]) -> None:
    found = {fit.method: fit.change for fit in fits(data, **features)}
    assert found.keys() == wanted.keys()
    for method, change in wanted.items():
        assert (change in found[method]) if change else found[method] == ""


def test_answers_beside_a_prompt_may_begin_with_the_assistant() -> None:
    data = rows(prompt=asked, completion=lambda i: chat(i, "assistant"))
    features = [{"name": name, "type": [{"role": STRING, "content": STRING}]} for name in data[0]]
    columns = columns_of(features, [{"row": row} for row in data])
    assert not [one for one in doubts(columns, fits(data)) if "begin with the assistant" in one]


@pytest.mark.parametrize(
    ("dataset", "split", "warns"),
    [
        ("ann/aime-bench", "train", True),
        ("ann/my_eval", "train", True),
        ("princeton-nlp/SWE-bench", "dev", True),
        ("ann/alpacaeval", "train", True),
        ("ann/data", "test", True),
        ("ann/latest-protests", "train", False),
    ],
)
def test_a_test_set_is_named(dataset: str, split: str, warns: bool) -> None:
    assert bool(warnings_of_name(dataset, split)) is warns


STRING = {"dtype": "string", "_type": "Value"}
