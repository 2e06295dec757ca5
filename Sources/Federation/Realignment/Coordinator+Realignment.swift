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

    /// Sends the re-aligned middle to those of `names` that do not have it; who does not take it refuses the round.
    func deliverMiddle(to names: [String], traffic: inout TrafficCount) async throws {
        guard let middle else { return }
        for name in names where !informed.contains(name) {
            let answer = await exchange(try middle.frame, with: name, traffic: &traffic)
            if answer?.kind == .acknowledge {
                informed.insert(name)
            } else if let answer {
                note(answer, of: name, round: middle.round + 1)
            }
        }
    }
}
