/// Sixteen fp32 lanes, the unit of every loop here; narrower machines split it into registers.
typealias Lanes = SIMD16<Float>

/// Lanes of the bit patterns of `Lanes`.
typealias LaneBits = SIMD16<UInt32>

/// How many lanes a step of a loop advances by.
let laneCount = 16

/// Sixteen floats from any address.
@inline(__always)
func load(_ pointer: UnsafePointer<Float>, _ index: Int) -> Lanes {
  unsafe UnsafeRawPointer(pointer + index).loadUnaligned(as: Lanes.self)
}

/// Sixteen floats to any address.
@inline(__always)
func store(_ value: Lanes, _ pointer: UnsafeMutablePointer<Float>, _ index: Int) {
  unsafe UnsafeMutableRawPointer(pointer + index).storeBytes(of: value, as: Lanes.self)
}

/// `count` floats (fewer than sixteen) in the low lanes, `fill` in the others.
@inline(__always)
func loadPartial(
  _ pointer: UnsafePointer<Float>, _ index: Int, count: Int, fill: Float
) -> Lanes {
  var lanes = Lanes(repeating: fill)
  var lane = 0
  while lane < count {
    lanes[lane] = unsafe pointer[index + lane]
    lane += 1
  }
  return lanes
}

/// 1.0 where the mask is set, 0.0 elsewhere: how the engines represent a truth value.
@inline(__always)
func truth(_ mask: SIMDMask<SIMD16<Int32>>) -> Lanes {
  Lanes(repeating: 0).replacing(with: 1, where: mask)
}

/// Applies a function of one row to a row.
///
/// The last sixteen elements overlap the loop's last step: their result is computed before the loop
/// so that a row can be its own destination. Destination and source are equal or disjoint.
@inline(__always)
func mapRow(
  _ source: UnsafePointer<Float>, _ destination: UnsafeMutablePointer<Float>, _ count: Int,
  _ function: (Lanes) -> Lanes
) {
  guard count >= laneCount else {
    var index = 0
    while index < count {
      unsafe destination[index] = function(Lanes(repeating: source[index]))[0]
      index += 1
    }
    return
  }
  let tail = unsafe function(load(source, count - laneCount))
  var index = 0
  while index <= count - laneCount {
    unsafe store(function(load(source, index)), destination, index)
    index += laneCount
  }
  unsafe store(tail, destination, count - laneCount)
}

/// Applies a function of two rows to two rows; the destination may be either of them.
@inline(__always)
func mapRows(
  _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>,
  _ destination: UnsafeMutablePointer<Float>, _ count: Int, _ function: (Lanes, Lanes) -> Lanes
) {
  guard count >= laneCount else {
    var index = 0
    while index < count {
      let a = unsafe Lanes(repeating: left[index])
      let b = unsafe Lanes(repeating: right[index])
      unsafe destination[index] = function(a, b)[0]
      index += 1
    }
    return
  }
  let last = count - laneCount
  let tail = unsafe function(load(left, last), load(right, last))
  var index = 0
  while index <= last {
    unsafe store(function(load(left, index), load(right, index)), destination, index)
    index += laneCount
  }
  unsafe store(tail, destination, last)
}

/// The bit patterns of the lanes.
@inline(__always)
func bitPatterns(_ lanes: Lanes) -> LaneBits { unsafe unsafeBitCast(lanes, to: LaneBits.self) }

/// Lanes of the given bit patterns.
@inline(__always)
func lanes(_ bits: LaneBits) -> Lanes { unsafe unsafeBitCast(bits, to: Lanes.self) }

/// The magnitude of each lane, NaN included.
@inline(__always)
func magnitude(_ value: Lanes) -> Lanes { lanes(bitPatterns(value) & 0x7FFF_FFFF) }

/// The larger of each pair of lanes; a NaN on either side stays, a tie takes the second.
@inline(__always)
func maximum(_ left: Lanes, _ right: Lanes) -> Lanes {
  right.replacing(with: left, where: left .> right .| left .!= left)
}

/// The smaller of each pair of lanes; a NaN on either side stays, a tie takes the second.
@inline(__always)
func minimum(_ left: Lanes, _ right: Lanes) -> Lanes {
  right.replacing(with: left, where: left .< right .| left .!= left)
}
