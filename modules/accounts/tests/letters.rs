//! Invitations.

use super::*;
use crate::roles::IRoles::NotPermitted;

fn secret(n: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(n)).unwrap()
}

fn letter(n: u8) -> Letter {
    Letter { unit: 1, owner: OWNER, key: secret(n).address(), expiresAt: NOW + 90 * DAY }
}

fn proof(n: u8, chain: u64, id: u64, account: Address) -> redeemCall {
    let signed = secret(n).sign_hash_sync(&invite::proof_hash(chain, id, account)).unwrap();
    redeemCall { id, signature: signed.as_bytes().into() }
}

fn invited() -> Memory {
    let mut m = start();
    assert_eq!(done(&mut m, REGISTRAR, &inviteCall { letters: vec![letter(1), letter(2)] }), 1);
    m
}

#[test]
fn a_letter_binds_its_account_to_the_owner_and_works_once() {
    let mut m = invited();
    let shown = done(&mut m, STRANGER, &invitationOfCall { letterKey: letter(2).key });
    assert_eq!((shown.id, shown.letter, shown.stage), (2, letter(2), InvitationStage::Open));
    assert_eq!(done(&mut m, STRANGER, &invitationOfCall { letterKey: SON }).id, 0);
    done(&mut m, ME, &proof(1, 1, 1, ME));
    let at = address::registry;
    let heads = m.call(at, registry::entry, ME, &IRegistry::headsOfCall { account: ME }).unwrap();
    assert_eq!((heads.len(), heads[0].areaM2), (1, 9_000));
    assert_eq!(way_of(&mut m, ME), (Way::Letter, 1, NOW));
    let shown = done(&mut m, STRANGER, &invitationsCall { cursor: 0, limit: 1 });
    assert_eq!((shown.items[0].stage, shown.items[0].account), (InvitationStage::Used, ME));
    assert_eq!(shown.next, 1);
    let InvitationOver { stage, .. } = refused(&mut m, SON, &proof(1, 1, 1, SON));
    assert_eq!(stage, InvitationStage::Used);
    // The register's own rule holds: one owner per account.
    let _: IRegistry::AccountBound = refused(&mut m, ME, &proof(2, 1, 2, ME));
}

#[test]
fn a_proof_is_for_one_account_one_letter_and_one_ledger() {
    let mut m = invited();
    let mine = proof(1, 1, 1, ME);
    // Copied from the waiting transaction by somebody else.
    let BadProof { id, account } = refused(&mut m, STRANGER, &mine);
    assert_eq!((id, account), (1, STRANGER));
    for other in [proof(1, 2, 1, ME), proof(1, 1, 2, ME), proof(2, 1, 1, ME)] {
        let _: BadProof = refused(&mut m, ME, &redeemCall { id: 1, ..other });
    }
    let high = alloy_primitives::Signature::from_raw(&mine.signature).unwrap();
    let order = alloy_primitives::uint!(
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256
    );
    let high = alloy_primitives::Signature::new(high.r(), order - high.s(), !high.v());
    let cut = mine.signature[..64].to_vec();
    for signature in [high.as_bytes().to_vec(), cut, vec![], vec![0; 65]] {
        let _: BadProof = refused(&mut m, ME, &redeemCall { id: 1, signature: signature.into() });
    }
    done(&mut m, ME, &mine);
}

#[test]
fn a_letter_ends_at_its_second_by_the_registrar_and_with_a_sale() {
    for (now, works) in [(NOW + 90 * DAY - 1, true), (NOW + 90 * DAY, false)] {
        let mut m = invited();
        m.now = now;
        let answer = call(&mut m, ME, &proof(1, 1, 1, ME));
        assert_eq!(answer.is_ok(), works, "{now}");
        if let Err(fault) = answer {
            let InvitationOver { stage, .. } = fault.refusal().unwrap();
            assert_eq!(stage, InvitationStage::Expired);
        }
    }
    let mut m = invited();
    let _: NotPermitted = refused(&mut m, STREET, &revokeInvitationCall { id: 1 });
    done(&mut m, REGISTRAR, &revokeInvitationCall { id: 1 });
    for from in [ME, SON] {
        let found: InvitationOver = refused(&mut m, from, &proof(1, 1, 1, from));
        assert_eq!(found.stage, InvitationStage::Revoked);
    }
    let _: InvitationOver = refused(&mut m, REGISTRAR, &revokeInvitationCall { id: 1 });
    for id in [0, 3, u64::MAX] {
        let _: NoSuchInvitation = refused(&mut m, REGISTRAR, &revokeInvitationCall { id });
        let _: NoSuchInvitation = refused(&mut m, ME, &proof(1, 1, id, ME));
    }
    let sale = IRegistry::transferCall { unit: 1, holdings: vec![sole(1, BUYER)], basis: PAPER };
    estate(&mut m, &sale);
    let NotHolder { unit, owner } = refused(&mut m, ME, &proof(2, 1, 2, ME));
    assert_eq!((unit, owner), (1, OWNER));
    // A frozen account takes no new home.
    let mut m = invited();
    let code = FreezeCode::Other;
    done(&mut m, ME, &freezeCall { account: ME, untilAt: NOW + 1, code });
    let _: AccountFrozen = refused(&mut m, ME, &proof(1, 1, 1, ME));
}

#[test]
fn letters_are_refused_at_their_bounds() {
    let mut m = start();
    let _: NotPermitted = refused(&mut m, CHAIR, &inviteCall { letters: vec![letter(1)] });
    let many = |count: u8| (1..=count).map(letter).collect::<Vec<_>>();
    for letters in [vec![], many(41)] {
        let _: BadBatch = refused(&mut m, REGISTRAR, &inviteCall { letters });
    }
    for expires_at in [0, NOW, NOW + 90 * DAY + 1] {
        let letters = vec![Letter { expiresAt: expires_at, ..letter(1) }];
        let _: BadTerm = refused(&mut m, REGISTRAR, &inviteCall { letters });
    }
    for letters in [
        vec![Letter { key: Address::ZERO, ..letter(1) }],
        vec![Letter { key: AT, ..letter(1) }],
        vec![letter(1), letter(1)],
    ] {
        let _: BadKey = refused(&mut m, REGISTRAR, &inviteCall { letters });
    }
    for (unit, owner) in [(0, OWNER), (3, OWNER), (2, OWNER), (1, BUYER), (1, B256::ZERO)] {
        let letters = vec![Letter { unit, owner, ..letter(1) }];
        let _: NotHolder = refused(&mut m, REGISTRAR, &inviteCall { letters });
    }
    assert_eq!(done(&mut m, REGISTRAR, &inviteCall { letters: many(40) }), 1);
    // A secret of before is no secret.
    let _: BadKey = refused(&mut m, REGISTRAR, &inviteCall { letters: vec![letter(40)] });
    assert_eq!(done(&mut m, REGISTRAR, &inviteCall { letters: vec![letter(41)] }), 41);
}

/// A home is sold: the buyer comes in by a letter, and what was voted on before stays as it was.
#[test]
fn a_sale_moves_the_home_and_leaves_the_roll() {
    let mut m = invited();
    done(&mut m, ME, &proof(1, 1, 1, ME));
    let roll = estate(&mut m, &IRegistry::postRollCall {});
    let sale = IRegistry::transferCall { unit: 1, holdings: vec![sole(1, BUYER)], basis: PAPER };
    estate(&mut m, &sale);
    let letters = vec![Letter { owner: BUYER, ..letter(3) }];
    let id = done(&mut m, REGISTRAR, &inviteCall { letters });
    done(&mut m, SON, &proof(3, 1, id, SON));
    let votes = |m: &mut Memory, account| {
        let heads = m.run(STRANGER, STRANGER, |cx| registry::heads_of(cx, roll, account)).unwrap();
        let now = IRegistry::headsOfCall { account };
        let now = m.call(address::registry, registry::entry, account, &now).unwrap().len();
        let mut then = 0;
        for head in heads {
            let weight = IRegistry::weightOfCall { ofRoll: roll, head };
            let at = address::registry;
            then += m.call(at, registry::entry, account, &weight).unwrap().units;
        }
        (then, now)
    };
    assert_eq!((votes(&mut m, ME), votes(&mut m, SON)), ((1, 0), (0, 1)));
}

#[test]
fn nobody_else_binds_through_the_door_of_the_invitations() {
    let mut m = start();
    for from in [STRANGER, address::funds] {
        let fault = m.run(from, from, |cx| registry::bind_by(cx, ME, OWNER, (Way::Letter, 1))).unwrap_err();
        assert!(fault.refusal::<NotPermitted>().is_some());
    }
}
