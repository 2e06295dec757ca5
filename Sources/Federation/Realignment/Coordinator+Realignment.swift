import Foundation

/// When a run's emulator is distilled again.
public struct RealignmentSchedule: Sendable {
    /// Rounds between two re-alignments; after the last round there is none.
    public let every: Int
    /// Who does it.
    let realigner: any EmulatorRealigner

    /// Makes a schedule.
    public init(every: Int, by realigner: any EmulatorRealigner) {
        self.every = every
        self.realigner = realigner
    }

    func isDue(after round: Int, of rounds: Int) -> Bool { round % every == 0 && round < rounds }
}

extension Coordinator {
    /// What a round's header says of the emulator.
    func emulatorHash(original: [UInt8]) -> [UInt8] {
        middle?.emulatorHash(original: original) ?? original
    }

    /// Sends the re-aligned middle to those invited that do not have it; who does not take it refuses the round.
    func deliverMiddle(
        _ opening: RoundOpening,
        traffic: inout TrafficCount,
        isCancelled: @Sendable () -> Bool
    ) async throws {
        guard let middle else { return }
        let request = try middle.frame.encoded
        var reached: [String] = []
        try await ask(
            opening.invited.filter { !informed.contains($0) }.map { ($0, request) },
            opening.key(.realign),
            deadline: soon,
            traffic: &traffic,
            isCancelled: isCancelled
        ) { name, answer in
            if answer.kind == .acknowledge {
                reached.append(name)
            } else {
                note(answer, of: name, round: opening.round)
            }
        }
        informed.formUnion(reached)
    }
}
