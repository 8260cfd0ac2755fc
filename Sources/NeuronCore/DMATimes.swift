import Hardware
import Units

/// The constants of DMA as plain numbers, for the step loop: picoseconds unless the name says
/// otherwise. `DMATiming` says what each means and where it is from.
struct DMATimes {
  let enginesPerCore: Int64
  let packetBytes: Int64
  let triggerSyncFirst: Int64
  let triggerSyncSoon: Int64
  let triggerSyncLater: Int64
  let triggerSoonWindow: Int64
  let triggerScalarFirst: Int64
  let triggerScalarLater: Int64
  let afterTrigger: Int64
  let nextTriggerSync: Int64
  let firstDescriptorSBUF: Int64
  let dramExtra: Int64
  let softwarePreparation: Int64
  let softwareBurstInterval: Int64
  let softwareRowDuration: Int64
  let softwareRowInBurst: Int64
  let softwareRowsInBurst: Int64
  let softwareIndexRow: Int64
  let softwareToPacketStore: Int64
  let softwareToPacketLoad: Int64
  let staticTrigger: Int64
  let stretchLoadAlone: Int64
  let stretchLoadOneEngine: Int64
  let stretchLoadQueued: Int64
  let stretchSoftwareLoad: Int64
  let loneLoadBytesPerMicrosecondPerEngine: Int64
  let softwareLoadStall: Int64
  let notifyLoad: Int64
  let notifyHardwareStore: Int64
  let notifySoftwareStore: Int64
  let sustainedReadExtraPerPacket: Int64
  let sustainedWriteExtraPerPacket: Int64

  init(_ timing: DMATiming) {
    enginesPerCore = Int64(timing.enginesPerCore.value)
    packetBytes = Int64(timing.packetBytes.value)
    triggerSyncFirst = timing.triggerSyncFirst.value.value
    triggerSyncSoon = timing.triggerSyncSoon.value.value
    triggerSyncLater = timing.triggerSyncLater.value.value
    triggerSoonWindow = timing.triggerSoonWindow.value.value
    triggerScalarFirst = timing.triggerScalarFirst.value.value
    triggerScalarLater = timing.triggerScalarLater.value.value
    afterTrigger = timing.afterTrigger.value.value
    nextTriggerSync = timing.nextTriggerSync.value.value
    firstDescriptorSBUF = timing.firstDescriptorSBUF.value.value
    dramExtra = timing.dramExtra.value.value
    softwarePreparation = timing.softwarePreparation.value.value
    softwareBurstInterval = timing.softwareBurstInterval.value.value
    softwareRowDuration = timing.softwareRowDuration.value.value
    softwareRowInBurst = timing.softwareRowInBurst.value.value
    softwareRowsInBurst = Int64(timing.softwareRowsInBurst.value)
    softwareIndexRow = timing.softwareIndexRow.value.value
    softwareToPacketStore = timing.softwareToPacketStore.value.value
    softwareToPacketLoad = timing.softwareToPacketLoad.value.value
    staticTrigger = timing.staticTrigger.value.value
    stretchLoadAlone = timing.stretchLoadAlone.value
    stretchLoadOneEngine = timing.stretchLoadOneEngine.value
    stretchLoadQueued = timing.stretchLoadQueued.value
    stretchSoftwareLoad = timing.stretchSoftwareLoad.value
    loneLoadBytesPerMicrosecondPerEngine = timing.loneLoadBytesPerMicrosecondPerEngine.value
    softwareLoadStall = timing.softwareLoadStall.value.value
    notifyLoad = timing.notifyLoad.value.value
    notifyHardwareStore = timing.notifyHardwareStore.value.value
    notifySoftwareStore = timing.notifySoftwareStore.value.value
    sustainedReadExtraPerPacket = timing.sustainedReadExtraPerPacket.value.value
    sustainedWriteExtraPerPacket = timing.sustainedWriteExtraPerPacket.value.value
  }
}
