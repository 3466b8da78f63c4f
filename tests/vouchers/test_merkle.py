"""Trees: the vectors of Certificate Transparency, another way to compute the same, and proofs that only fit their leaf."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers import merkle

CT = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def leaves(values, algorithm="sha256"):
    return [merkle.digest(algorithm, merkle.LEAF, value) for value in values]


def split_root(values):
    """RFC 6962's own recursion, written as its text says."""
    if len(values) == 1:
        return sha256(b"\x00" + values[0]).digest()
    k = max(2**n for n in range(20) if 2**n < len(values))
    return sha256(b"\x01" + split_root(values[:k]) + split_root(values[k:])).digest()


@pytest.mark.parametrize("size", CT_ROOTS)
def test_the_known_trees_of_certificate_transparency(size):
    assert merkle.root("sha256", leaves([bytes.fromhex(one) for one in CT[:size]])).hex() == CT_ROOTS[size]


def test_the_tree_of_nothing_is_the_hash_of_nothing():
    assert merkle.root("sha256", []) == sha256(b"").digest()


def test_sm3_gives_the_vector_of_its_standard():
    assert merkle.ALGORITHMS["sm3"](b"abc").hexdigest() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=70))
def test_the_tree_is_the_one_of_the_rfc(values):
    assert merkle.root("sha256", leaves(values)) == split_root(values)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=70, unique=True), st.sampled_from(list(merkle.ALGORITHMS)), st.data())
def test_a_proof_leads_to_the_root_from_its_leaf_alone(values, algorithm, data):
    tree = leaves(values, algorithm)
    index = data.draw(st.integers(0, len(tree) - 1))
    path = merkle.inclusion(algorithm, tree, index)
    assert merkle.root_of_path(algorithm, tree[index], index, len(tree), path) == merkle.root(algorithm, tree)
    other = data.draw(st.integers(0, len(tree) - 1))
    if other != index:
        assert merkle.root_of_path(algorithm, tree[other], index, len(tree), path) != merkle.root(algorithm, tree)
    with pytest.raises(ValueError, match="too"):
        merkle.root_of_path(algorithm, tree[index], index, len(tree), [*path, merkle.EMPTY])


def test_a_salted_hash_needs_its_key():
    assert merkle.salted("sha256", b"one", b"x") != merkle.salted("sha256", b"two", b"x")
    assert len(merkle.salted("sm3", b"one", b"x")) == 32
