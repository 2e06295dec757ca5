import Foundation

/// What libFuzzer calls with every input: the parser that `FSOT_FUZZ` names. An error is right, a trap is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
    do {
        try Parser.chosen.run(bytes)
    } catch {
        // Also what an error says has to be sayable.
        _ = "\(error)".count
    }
    return 0
}
