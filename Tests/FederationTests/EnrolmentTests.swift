import Federation
import Foundation
import Sealing
import SecureAggregation
import TestSupport
import Testing

/// Invitations, rosters, policies, and what a participant remembers of them.
@Suite struct EnrolmentTests {
    /// Known words of the proposal (arXiv 0901.4016, examples): 127.0.0.1 and 63.84.220.193.
    @Test func wordsAreProquints() {
        #expect(FingerprintWords.of("7f000001" + String(repeating: "0", count: 56)).hasPrefix("lusab babad "))
        #expect(FingerprintWords.of("3f54dcc1" + String(repeating: "0", count: 56)).hasPrefix("gutih tugad "))
        #expect(FingerprintWords.of(String(repeating: "ab", count: 32)).split(separator: " ").count == 6)
    }

    @Test func anInvitationSurvivesItsFile() throws {
        let federation = try TestFederation(members: 4)
        let path = federation.folder.path + "/consortium.invite"
        try federation.invitation.write(to: path)
        let read = try SignedInvitation(path: path)
        #expect(read.content == federation.invitation.content && read.digest == federation.invitation.digest)
        #expect(read.words == federation.invitation.words)
    }

    @Test func anyChangedByteIsNoticed() throws {
        let federation = try TestFederation(members: 3)
        let path = federation.folder.path + "/consortium.invite"
        try federation.invitation.write(to: path)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        // The content and its signature; headers and padding of the tar carry nothing.
        for position in stride(from: 512, to: whole.count, by: 97) where whole[position] != 0 {
            var changed = whole
            changed[position] ^= 1
            try changed.write(to: URL(fileURLWithPath: path))
            #expect(throws: (any Error).self, "byte \(position)") { try SignedInvitation(path: path) }
        }
        for length in [0, 511, 700, whole.count / 2] {
            try whole.prefix(length).write(to: URL(fileURLWithPath: path))
            #expect(throws: (any Error).self, "\(length) bytes") { try SignedInvitation(path: path) }
        }
    }

    @Test func onlyTheOwnerSigns() throws {
        let federation = try TestFederation(members: 3)
        #expect(throws: FederationError.self) {
            try SignedInvitation(federation.invitation.content, signedBy: federation.hub)
        }
    }

    @Test func membersAreThreeToManyAndDifferent() throws {
        let federation = try TestFederation(members: 4)
        let content = federation.invitation.content
        let cards = try federation.members.map { try $0.card }
        for members in [[], Array(cards.prefix(2)), cards + [cards[0]], try cards + [federation.hub.card]] {
            #expect(throws: FederationError.self) {
                try content.next(after: federation.invitation.digest, members: members, emulator: content.emulator)
            }
        }
    }

    @Test func aParticipantKeepsToTheNewestRoster() throws {
        let federation = try TestFederation(members: 4)
        let known = KnownConsortia(path: federation.folder.path + "/known")
        let first = federation.invitation
        let cards = try federation.members.map { try $0.card }
        #expect(throws: FederationError.self) { try known.check(first, path: "x") }
        try known.accept(first)
        try known.accept(first)
        try known.check(first, path: "x")
        let second = try SignedInvitation(
            first.content.next(after: first.digest, members: Array(cards.prefix(3)), emulator: first.content.emulator),
            signedBy: federation.owner
        )
        #expect(throws: FederationError.self) { try known.check(second, path: "x") }
        try known.accept(second)
        try known.check(second, path: "x")
        // Back to a roster with somebody who was removed.
        #expect(throws: FederationError.self) { try known.accept(first) }
        #expect(throws: FederationError.self) { try known.check(first, path: "x") }
        // Another second epoch than the one that was accepted.
        let fork = try SignedInvitation(
            first.content.next(after: first.digest, members: Array(cards.suffix(3)), emulator: first.content.emulator),
            signedBy: federation.owner
        )
        #expect(throws: FederationError.self) { try known.accept(fork) }
        // A third that does not follow from the second.
        let third = try SignedInvitation(
            fork.content.next(after: fork.digest, members: cards, emulator: first.content.emulator),
            signedBy: federation.owner
        )
        #expect(throws: FederationError.self) { try known.accept(third) }
    }

    @Test func aPolicyRefusesWhatFallsBelowIt() throws {
        let federation = try TestFederation(members: 5)
        let training = federation.invitation.content.training
        try ParticipantPolicy(minimumCohort: 5, clip: 10, maximumRounds: 2).check(training, members: 5)
        for policy in [
            ParticipantPolicy(minimumCohort: 6), ParticipantPolicy(clip: 9.9), ParticipantPolicy(noise: 0.1),
            ParticipantPolicy(maximumRounds: 1), ParticipantPolicy(threshold: 1.5),
        ] { #expect(throws: FederationError.self) { try policy.check(training, members: 5) } }
        // Stricter than what the coordinator will run by: refused now, and not in every round.
        #expect(throws: FederationError.self) {
            try ParticipantPolicy(threshold: 0.99).check(training, members: 5, proposal: ParticipantPolicy())
        }
        var weighted = training
        weighted.weightMaximum = 10
        #expect(throws: FederationError.self) { try ParticipantPolicy(weights: false).check(weighted, members: 5) }
    }

    @Test func theStricterLineWins() {
        let own = ParticipantPolicy(minimumCohort: 4, threshold: 0.9, clip: 5, maximumRounds: 9)
        let proposal = ParticipantPolicy(minimumCohort: 6, clip: 8, noise: 1, maximumRounds: 3, weights: false)
        let both = own.stricter(than: proposal)
        #expect(
            both
                == ParticipantPolicy(
                    minimumCohort: 6,
                    threshold: 0.9,
                    clip: 5,
                    noise: 1,
                    maximumRounds: 3,
                    weights: false
                )
        )
        #expect(proposal.stricter(than: own) == both)
        #expect(both.threshold(of: 10) == 9 && ParticipantPolicy().threshold(of: 10) == 7)
    }

    @Test func aStateMustFollow() throws {
        let first = AdapterState(values: [1, 2])
        let mean: [Float] = [0.5, 0.25]
        let moved = first.moved(by: mean)
        var chain = StateChain(initial: first, isNoised: false)
        #expect(throws: FederationError.self) {
            var other = chain
            _ = try other.begin(1, with: moved)
        }
        #expect(try chain.begin(1, with: first))
        // The same round once more, after it failed.
        #expect(try chain.begin(1, with: first))
        #expect(throws: FederationError.self) {
            var other = chain
            _ = try other.begin(1, with: moved)
        }
        chain.finish(first, mean: mean)
        #expect(throws: FederationError.self) { try chain.check(AdapterState(values: [9, 9])) }
        var rejected = chain
        #expect(try rejected.begin(2, with: first))
        #expect(try chain.begin(2, with: moved))
        // A round was missed: nothing can be said, and an older one never comes back.
        #expect(try chain.begin(4, with: AdapterState(values: [7, 7])) == false)
        #expect(throws: FederationError.self) { _ = try chain.begin(3, with: moved) }
    }

    @Test func aLateStartIsCheckedOrAskedFor() throws {
        let state = AdapterState(values: [1, 2])
        var fresh = StateChain(initial: state, isNoised: false, allowsUnchecked: false)
        #expect(throws: FederationError.self) { _ = try fresh.begin(2, with: state) }
        var asked = StateChain(initial: state, isNoised: false, allowsUnchecked: true)
        #expect(try asked.begin(2, with: AdapterState(values: [5, 5])) == false)
        // Who finished round 3 before it was restarted knows what round 4 begins with.
        var back = StateChain(initial: state, isNoised: false, finished: (3, state), allowsUnchecked: false)
        #expect(throws: FederationError.self) {
            var other = back
            _ = try other.begin(3, with: state)
        }
        #expect(throws: FederationError.self) {
            var other = back
            _ = try other.begin(4, with: AdapterState(values: [5, 5]))
        }
        #expect(try back.begin(4, with: state))
    }

    @Test func everyNumberOfAnInvitationIsChecked() throws {
        let federation = try TestFederation(members: 4)
        let content = federation.invitation.content
        let changes: [(inout Invitation) -> Void] = [
            { $0.training.federation.rounds = 0 }, { $0.training.federation.localSteps = -5 },
            { $0.training.federation.learningRate = -1 }, { $0.training.clip = -1 }, { $0.training.site.batch = 0 },
            { $0.training.quantisation.bits = 7 }, { $0.training.maximumLength = -1 }, { $0.emulator.bytes = -1 },
            { $0.epoch = .max }, { $0.name = "clinics\u{1B}[2J" }, { $0.name = "" }, { $0.session = "00" },
            { $0.address = "http://x" }, { $0.training.weightMaximum = 5 },
        ]
        for change in changes {
            var changed = content
            change(&changed)
            #expect(throws: (any Error).self) { try SignedInvitation(changed, signedBy: federation.owner) }
        }
    }

    @Test func addressesAndKeysReadBack() throws {
        #expect(try FederationAddress("https://hub.example:9000").port == 9000)
        #expect(try FederationAddress("https://[::1]").description == "https://[::1]:8443")
        for text in ["http://a:1", "a:1", "https://", "https://a:0", "https://a:99999", "https://a/b", "https://a?x=1"]
        {
            #expect(throws: FederationError.self, "\(text)") { try FederationAddress(text) }
        }
        let key = ExchangeKey(round: 12, attempt: 0xabc, leg: .unmask)
        #expect(ExchangeKey(key.description) == key)
        for text in ["", "1-2", "1-2-nothing", "01-2-mask", "1--mask", "-1-2-mask", "1-2-mask-3", "1-0002-mask"] {
            #expect(ExchangeKey(text) == nil, "\(text)")
        }
    }
}
