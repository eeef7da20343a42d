"""Documents of the service, for type checkers: made of its OpenAPI document by generate_models.py."""

from __future__ import annotations

from typing import Literal, TypedDict

from typing_extensions import NotRequired


class Counts(TypedDict):
    total: int
    completed: int
    failed: int


class ErrorReport(TypedDict):
    code: Literal['invalid_input', 'unauthorized', 'forbidden', 'too_large', 'unsupported_media_type', 'method_not_allowed', 'not_found', 'request_timeout', 'conflict', 'range_not_satisfiable', 'unprocessable', 'poison', 'rate_limited', 'quota_exceeded', 'integrity', 'unavailable', 'deadline_exceeded', 'cancelled', 'internal']
    message: str


class Identity(TypedDict):
    tenant: str
    scopes: list[Literal['read', 'submit', 'admin']]
    authentication: Literal['key', 'session', 'none']
    keyPrefix: str | None
    endsAt: str | None


class Image(TypedDict):
    id: str
    name: str
    state: Literal['pending', 'running', 'completed', 'failed']
    error: ErrorReport | None


class ImageResultImageSource(TypedDict):
    bucket: str
    key: str


class ImageResultImage(TypedDict):
    id: str
    name: str
    sha256: str
    width: int
    height: int
    label: NotRequired[int | str]
    source: NotRequired[ImageResultImageSource]


class ImageResultModel(TypedDict):
    name: str
    digest: str


class ImageResultInput(TypedDict):
    height: int
    width: int


class ImageResultToPhotoY(TypedDict):
    scale: float
    offset: float


class ImageResultToPhotoX(TypedDict):
    scale: float
    offset: float


class ImageResultToPhoto(TypedDict):
    y: ImageResultToPhotoY
    x: ImageResultToPhotoX


class ImageResultPredicted(TypedDict):
    index: int
    label: str
    probability: float
    aboveThreshold: NotRequired[bool]


class ImageResultTopItem(TypedDict):
    index: int
    label: str
    probability: float


class ImageResultGridPatch(TypedDict):
    height: int
    width: int


class ImageResultGridFlip(TypedDict):
    index: int | None
    label: str
    positions: list[int]


class ImageResultGrid(TypedDict):
    patch: ImageResultGridPatch
    rows: int
    columns: int
    computed: int
    flips: list[ImageResultGridFlip]


class ImageResultTargetLowestBox(TypedDict):
    top: int
    left: int
    bottom: int
    right: int


class ImageResultTargetLowestPhotoBox(TypedDict):
    top: int
    left: int
    bottom: int
    right: int


class ImageResultTargetLowest(TypedDict):
    score: float
    grid: int
    row: int
    column: int
    box: ImageResultTargetLowestBox
    photoBox: NotRequired[ImageResultTargetLowestPhotoBox]


class ImageResultTargetFaithfulness(TypedDict):
    deletion: float
    insertion: float
    pointingGame: bool | None


class ImageResultTarget(TypedDict):
    index: int
    label: str
    score: float
    lowest: ImageResultTargetLowest
    borderShare: NotRequired[float | None]
    faithfulness: ImageResultTargetFaithfulness | None
    heatmap: str
    overlay: str


class ImageResultProvenance(TypedDict):
    backend: str
    backendVersion: str
    device: str
    strategy: Literal['dense', 'incremental']
    umbraVersion: str


class ImageRowPredicted(TypedDict):
    index: int
    label: str
    probability: float
    aboveThreshold: NotRequired[bool]


class ImageRowTopItem(TypedDict):
    index: int
    label: str
    probability: float


class ImageRowTarget(TypedDict):
    index: int
    label: str


class ImageRowLowestBox(TypedDict):
    top: int
    left: int
    bottom: int
    right: int


class ImageRowLowest(TypedDict):
    grid: int
    row: int
    column: int
    box: ImageRowLowestBox | None


class ImageRow(TypedDict):
    id: str
    index: int
    name: str
    label: int | str | None
    state: Literal['pending', 'running', 'completed', 'failed']
    error: ErrorReport | None
    predicted: ImageRowPredicted | None
    isRight: bool | None
    top: list[ImageRowTopItem] | None
    target: ImageRowTarget | None
    score: float | None
    drop: float | None
    lowest: ImageRowLowest | None
    flips: int | None
    flippedShare: float | None
    borderShare: float | None
    seconds: float | None
    width: int
    height: int


class JobModel(TypedDict):
    name: str
    digest: str


class JobWebhook(TypedDict):
    url: str


class JobEnding(TypedDict):
    state: Literal['cancelled', 'expired', 'failed']
    requestedAt: str
    error: ErrorReport | None


class JobPositions(TypedDict):
    done: int
    total: int | None


class JobEstimate(TypedDict):
    warnings: list[str]
    images: int
    positionsPerImage: int | None
    positions: int | None
    forwardPasses: int | None
    inferenceThreads: int
    seconds: float | None
    bytes: int | None


class JobReportModel(TypedDict):
    name: str
    digest: str


class JobReportImages(TypedDict):
    total: int
    ended: int
    read: int


class JobReportLattice(TypedDict):
    rows: int
    columns: int


class JobReportInput(TypedDict):
    height: int
    width: int


JobReportMetrics = TypedDict(
    'JobReportMetrics',
    {
        'images': int,
        'accuracy': float | None,
        'drop': float | None,
        'flipped': float | None,
        'off-object': float | None,
        'border': float | None,
        'significant-classes': int,
        'off-object-cluster': float | None,
        'unstable': float | None,
        'suspects': int,
    },
)


class JobReportClassClass(TypedDict):
    index: int | None
    label: str


class JobReportClassAccuracy(TypedDict):
    mean: float
    low: float
    high: float


class JobReportClassDrop(TypedDict):
    mean: float
    low: float
    high: float


class JobReportClassFlipped(TypedDict):
    mean: float
    low: float
    high: float


class JobReportClassAtlasInput(TypedDict):
    images: int
    mean: str
    deviation: str


class JobReportClassAtlasObject(TypedDict):
    images: int
    mean: str
    deviation: str


class JobReportClassAtlas(TypedDict):
    input: JobReportClassAtlasInput
    object: JobReportClassAtlasObject | None


class JobReportClassRunningItem(TypedDict):
    images: int
    mean: float
    halfWidth: float


class JobReportClassEnough(TypedDict):
    images: int | None
    tolerance: float


class JobReportClassOffObjectShare(TypedDict):
    mean: float
    low: float
    high: float


class JobReportClassOffObjectExcess(TypedDict):
    mean: float
    low: float
    high: float


class JobReportClassOffObjectFollows(TypedDict):
    p: float
    adjusted: float


class JobReportClassOffObject(TypedDict):
    images: int
    share: JobReportClassOffObjectShare
    area: float
    excess: JobReportClassOffObjectExcess
    p: float
    adjusted: float
    isSignificant: bool
    follows: JobReportClassOffObjectFollows


class JobReportClassBorderShare(TypedDict):
    mean: float
    low: float
    high: float


class JobReportClassBorderExcess(TypedDict):
    mean: float
    low: float
    high: float


class JobReportClassBorder(TypedDict):
    images: int
    share: JobReportClassBorderShare
    area: float
    excess: JobReportClassBorderExcess
    p: float
    adjusted: float
    isSignificant: bool


JobReportClass = TypedDict(
    'JobReportClass',
    {
        'class': JobReportClassClass,
        'images': int,
        'accuracy': JobReportClassAccuracy | None,
        'drop': JobReportClassDrop,
        'flipped': JobReportClassFlipped,
        'atlas': JobReportClassAtlas,
        'running': list[JobReportClassRunningItem],
        'enough': JobReportClassEnough,
        'offObject': JobReportClassOffObject | None,
        'border': JobReportClassBorder | None,
    },
)


class JobReportPatchesChoiceClass(TypedDict):
    index: int | None
    label: str


JobReportPatchesChoice = TypedDict(
    'JobReportPatchesChoice',
    {
        'class': JobReportPatchesChoiceClass,
        'clusters': int,
        'silhouette': float | None,
    },
)


class JobReportPatchesClusterClass(TypedDict):
    index: int | None
    label: str


class JobReportPatchesClusterPlaceY(TypedDict):
    mean: float
    deviation: float


class JobReportPatchesClusterPlaceX(TypedDict):
    mean: float
    deviation: float


class JobReportPatchesClusterPlace(TypedDict):
    y: JobReportPatchesClusterPlaceY
    x: JobReportPatchesClusterPlaceX


class JobReportPatchesClusterMemberBox(TypedDict):
    top: int
    left: int
    bottom: int
    right: int


class JobReportPatchesClusterMember(TypedDict):
    id: str
    name: str
    drop: float
    box: JobReportPatchesClusterMemberBox
    similarity: float


JobReportPatchesCluster = TypedDict(
    'JobReportPatchesCluster',
    {
        'id': int,
        'class': JobReportPatchesClusterClass,
        'images': int,
        'share': float,
        'medianDrop': float,
        'medianLoss': float | None,
        'compactness': float,
        'weight': float,
        'offObject': float | None,
        'place': JobReportPatchesClusterPlace,
        'members': list[JobReportPatchesClusterMember],
    },
)


class JobReportPatches(TypedDict):
    layer: str | None
    reason: str | None
    images: int
    candidates: int
    choices: list[JobReportPatchesChoice]
    clusters: list[JobReportPatchesCluster]


class JobReportFlipFrom(TypedDict):
    index: int
    label: str


class JobReportFlipTo(TypedDict):
    index: int
    label: str


class JobReportFlipExampleBox(TypedDict):
    top: int
    left: int
    bottom: int
    right: int


class JobReportFlipExample(TypedDict):
    id: str
    name: str
    box: JobReportFlipExampleBox


JobReportFlip = TypedDict(
    'JobReportFlip',
    {
        'from': JobReportFlipFrom,
        'to': JobReportFlipTo | None,
        'images': int,
        'share': float,
        'positions': int,
        'examples': list[JobReportFlipExample],
    },
)


class JobReportTrustAgreementMap(TypedDict):
    name: str
    job: str | None


class JobReportTrustAgreementMean(TypedDict):
    mean: float
    low: float
    high: float


class JobReportTrustAgreementWorstItem(TypedDict):
    id: str
    name: str
    agreement: float


class JobReportTrustAgreement(TypedDict):
    maps: list[JobReportTrustAgreementMap]
    images: int
    mean: JobReportTrustAgreementMean
    threshold: float
    unstable: int
    histogram: list[int]
    worst: list[JobReportTrustAgreementWorstItem]


class JobReportTrustOrderDeletion(TypedDict):
    mean: float
    low: float
    high: float


class JobReportTrustOrderRandomDeletion(TypedDict):
    mean: float
    low: float
    high: float


class JobReportTrustOrderInsertion(TypedDict):
    mean: float
    low: float
    high: float


class JobReportTrustOrderRandomInsertion(TypedDict):
    mean: float
    low: float
    high: float


class JobReportTrustOrderP(TypedDict):
    deletion: float
    insertion: float


class JobReportTrustOrder(TypedDict):
    images: int
    steps: int
    deletion: JobReportTrustOrderDeletion
    randomDeletion: JobReportTrustOrderRandomDeletion
    insertion: JobReportTrustOrderInsertion
    randomInsertion: JobReportTrustOrderRandomInsertion
    p: JobReportTrustOrderP


class JobReportTrust(TypedDict):
    agreement: JobReportTrustAgreement | None
    order: JobReportTrustOrder | None


class JobReportSuspectPredicted(TypedDict):
    index: int
    label: str


class JobReportSuspectClass(TypedDict):
    index: int | None
    label: str


JobReportSuspect = TypedDict(
    'JobReportSuspect',
    {
        'id': str,
        'name': str,
        'label': int | str | None,
        'predicted': JobReportSuspectPredicted,
        'class': JobReportSuspectClass,
        'drop': float,
        'distance': float,
        'z': float,
        'reasons': list[str],
    },
)


class JobRequestWebhook(TypedDict):
    url: str
    secret: NotRequired[str]


class LayerKernel(TypedDict):
    y: int
    x: int


class LayerStride(TypedDict):
    y: int
    x: int


class LayerPadding(TypedDict):
    top: int
    left: int
    bottom: int
    right: int


class LayerDilation(TypedDict):
    y: int
    x: int


class LayerReceptiveFieldY(TypedDict):
    size: float
    jump: float
    start: float


class LayerReceptiveFieldX(TypedDict):
    size: float
    jump: float
    start: float


class LayerReceptiveField(TypedDict):
    kind: Literal['window']
    y: LayerReceptiveFieldY
    x: LayerReceptiveFieldX


class LayerReceptiveField1(TypedDict):
    kind: Literal['whole']


class LayerReceptiveField2(TypedDict):
    kind: Literal['unknown']


class Layer(TypedDict):
    index: int
    name: str
    kind: Literal['convolution', 'pooling', 'activation', 'normalization', 'dense', 'combination', 'padding', 'reshaping', 'other']
    op: str
    outputShape: list[int] | None
    kernel: LayerKernel | None
    stride: LayerStride | None
    padding: LayerPadding | None
    dilation: LayerDilation | None
    groups: int | None
    filters: list[int] | None
    parameters: int
    receptiveField: LayerReceptiveField | LayerReceptiveField1 | LayerReceptiveField2
    convolution: int | None
    feature: int | None


class LayerListInput(TypedDict):
    height: int
    width: int


class LayerList(TypedDict):
    model: str
    digest: str
    input: LayerListInput
    layers: list[Layer]


class ModelInputResize(TypedDict):
    rule: Literal['crop']
    shorterSide: int


class ModelInputResize1(TypedDict):
    rule: Literal['fit']
    shorterSide: int


class ModelInputResize2(TypedDict):
    rule: Literal['squash']


class ModelInput(TypedDict):
    height: int
    width: int
    resize: ModelInputResize | ModelInputResize1 | ModelInputResize2


class ModelOutput(TypedDict):
    kind: Literal['logits', 'probabilities', 'independent-logits', 'independent-probabilities']
    name: NotRequired[str]
    positive: NotRequired[str]
    negative: NotRequired[str]
    threshold: NotRequired[float]


class ModelSetAside(TypedDict):
    reason: str
    at: str


class Model(TypedDict):
    name: str
    digest: str
    format: Literal['onnx', 'tfjs-layers', 'tfjs-graph']
    input: ModelInput
    output: ModelOutput
    licence: str
    scope: Literal['tenant', 'service']
    uploadedAt: str | None
    setAside: ModelSetAside | None


class ModelDetailInputResize(TypedDict):
    rule: Literal['crop']
    shorterSide: int


class ModelDetailInputResize1(TypedDict):
    rule: Literal['fit']
    shorterSide: int


class ModelDetailInputResize2(TypedDict):
    rule: Literal['squash']


class ModelDetailInput(TypedDict):
    layout: Literal['NCHW', 'NHWC']
    height: int
    width: int
    channels: Literal['RGB', 'BGR', 'L']
    scale: float
    mean: list[float]
    std: list[float]
    resize: ModelDetailInputResize | ModelDetailInputResize1 | ModelDetailInputResize2
    interpolation: Literal['bilinear', 'bicubic']


class ModelDetailOutput(TypedDict):
    kind: Literal['logits', 'probabilities', 'independent-logits', 'independent-probabilities']
    name: NotRequired[str]
    positive: NotRequired[str]
    negative: NotRequired[str]
    threshold: NotRequired[float]


class ModelDetailSetAside(TypedDict):
    reason: str
    at: str


class ModelDetail(TypedDict):
    name: str
    digest: str
    format: Literal['onnx', 'tfjs-layers', 'tfjs-graph']
    input: ModelDetailInput
    output: ModelDetailOutput
    licence: str
    scope: Literal['tenant', 'service']
    uploadedAt: str | None
    setAside: ModelDetailSetAside | None
    classes: int | None
    bytes: int
    source: str


class ProblemError(TypedDict):
    path: str
    message: str


class QueueShard(TypedDict):
    formats: list[Literal['onnx', 'tfjs-layers', 'tfjs-graph']]
    waiting: int
    running: int
    oldestAt: str | None


QueueJobWaitsFor = TypedDict(
    'QueueJobWaitsFor',
    {
        'for': Literal['dataset', 'worker', 'resume', 'turn'],
        'words': str,
    },
)


class QueueJob(TypedDict):
    id: str
    state: Literal['validating', 'queued', 'in_progress', 'paused', 'finalizing', 'completed', 'failed', 'cancelling', 'cancelled', 'expired']
    model: str
    createdAt: str
    counts: Counts
    imagesInFlight: int
    waitsFor: QueueJobWaitsFor | None


class Queue(TypedDict):
    shards: list[QueueShard]
    jobs: list[QueueJob]
    unlisted: int | None


class Refusal(TypedDict):
    name: str
    error: ErrorReport


class ReportDifferenceMetrics(TypedDict):
    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None


class ReportDifferenceClassImages(TypedDict):
    a: int
    b: int


class ReportDifferenceClassDrop(TypedDict):
    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None


class ReportDifferenceClassAccuracy(TypedDict):
    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None


class ReportDifferenceClassOffObject(TypedDict):
    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None


class ReportDifferenceClassBorder(TypedDict):
    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None


ReportDifferenceClass = TypedDict(
    'ReportDifferenceClass',
    {
        'class': str,
        'images': ReportDifferenceClassImages,
        'drop': ReportDifferenceClassDrop,
        'accuracy': ReportDifferenceClassAccuracy,
        'offObject': ReportDifferenceClassOffObject,
        'border': ReportDifferenceClassBorder,
        'similarity': float | None,
        'atlas': str | None,
    },
)


class ReportDifference(TypedDict):
    version: Literal[1]
    a: str
    b: str
    metrics: dict[str, ReportDifferenceMetrics]
    classes: list[ReportDifferenceClass]
    onlyA: list[str]
    onlyB: list[str]
    notes: list[str]


class ReportOptions(TypedDict):
    groupBy: NotRequired[Literal['label', 'predicted']]
    layer: NotRequired[str]
    others: list[str]
    patches: int
    checkedImages: int
    seed: int


class ReportOptionsInput(TypedDict):
    groupBy: NotRequired[Literal['label', 'predicted']]
    layer: NotRequired[str]
    others: NotRequired[list[str]]
    patches: NotRequired[int]
    checkedImages: NotRequired[int]
    seed: NotRequired[int]


class ReportStatusProgress(TypedDict):
    done: int
    total: int


class ReportStatus(TypedDict):
    version: Literal[1]
    job: str
    state: Literal['queued', 'running', 'completed', 'failed']
    request: ReportOptions
    requestedAt: str
    startedAt: str | None
    writtenAt: str | None
    completedAt: str | None
    stage: str | None
    progress: ReportStatusProgress
    error: ErrorReport | None


class RowFacetsState(TypedDict):
    state: Literal['pending', 'running', 'completed', 'failed']
    count: int


class RowFacetsIsRight(TypedDict):
    right: int
    wrong: int
    unknown: int


class RowFacetsLabelsValue(TypedDict):
    label: int | str
    count: int


class RowFacetsLabels(TypedDict):
    distinct: int
    values: list[RowFacetsLabelsValue]


class RowFacetsPredictedValue(TypedDict):
    index: int
    label: str
    count: int


class RowFacetsPredicted(TypedDict):
    distinct: int
    values: list[RowFacetsPredictedValue]


class RowFacetsPairsValuePredicted(TypedDict):
    index: int
    label: str


class RowFacetsPairsValue(TypedDict):
    label: int | str
    predicted: RowFacetsPairsValuePredicted | None
    count: int


class RowFacetsPairs(TypedDict):
    distinct: int
    values: list[RowFacetsPairsValue]


class RowFacets(TypedDict):
    total: int
    states: list[RowFacetsState]
    isRight: RowFacetsIsRight
    labels: RowFacetsLabels
    predicted: RowFacetsPredicted
    pairs: RowFacetsPairs


class SettingsPatch(TypedDict):
    height: int
    width: int


class SettingsPatchItem(TypedDict):
    height: int
    width: int


class SettingsStride(TypedDict):
    y: int
    x: int


class SettingsFill(TypedDict):
    kind: Literal['constant']
    value: float
    space: Literal['pixel', 'normalized']


class SettingsFill1(TypedDict):
    kind: Literal['mean']


class SettingsFill2(TypedDict):
    kind: Literal['dataset-mean']


class SettingsFill3(TypedDict):
    kind: Literal['blur']
    sigma: float


class SettingsFill4(TypedDict):
    kind: Literal['noise']
    seed: int


class SettingsTarget(TypedDict):
    kind: Literal['predicted']


class SettingsTarget1(TypedDict):
    kind: Literal['top']
    k: int


class SettingsTarget2(TypedDict):
    kind: Literal['label']


class SettingsTarget3(TypedDict):
    kind: Literal['class']
    index: int


class SettingsTarget4(TypedDict):
    kind: Literal['class']
    name: str


class SettingsRefine(TypedDict):
    every: int
    share: float


class SettingsFaithfulness(TypedDict):
    steps: int


class Settings(TypedDict):
    patch: SettingsPatch | list[SettingsPatchItem]
    stride: SettingsStride
    edge: Literal['clip', 'valid', 'article']
    fill: SettingsFill | SettingsFill1 | SettingsFill2 | SettingsFill3 | SettingsFill4
    target: SettingsTarget | SettingsTarget1 | SettingsTarget2 | SettingsTarget3 | SettingsTarget4
    score: Literal['probability', 'logit', 'log-odds']
    strategy: Literal['auto', 'dense', 'incremental']
    allowGaps: bool
    refine: SettingsRefine | None
    faithfulness: SettingsFaithfulness | None
    preset: NotRequired[Literal['article']]


class SettingsInputPatch(TypedDict):
    height: int
    width: int


class SettingsInputStride(TypedDict):
    y: int
    x: int


class SettingsInputFill(TypedDict):
    kind: Literal['constant']
    value: float
    space: NotRequired[Literal['pixel', 'normalized']]


class SettingsInputFill1(TypedDict):
    kind: Literal['mean']


class SettingsInputFill2(TypedDict):
    kind: Literal['dataset-mean']


class SettingsInputFill3(TypedDict):
    kind: Literal['blur']
    sigma: float


class SettingsInputFill4(TypedDict):
    kind: Literal['noise']
    seed: int


class SettingsInputTarget(TypedDict):
    kind: Literal['predicted']


class SettingsInputTarget1(TypedDict):
    kind: Literal['top']
    k: int


class SettingsInputTarget2(TypedDict):
    kind: Literal['label']


class SettingsInputTarget3(TypedDict):
    kind: Literal['class']
    index: int


class SettingsInputTarget4(TypedDict):
    kind: Literal['class']
    name: str


class SettingsInputRefine(TypedDict):
    every: NotRequired[int]
    share: NotRequired[float]


class SettingsInputFaithfulness(TypedDict):
    steps: NotRequired[int]


class SettingsInput(TypedDict):
    preset: NotRequired[Literal['article']]
    patch: NotRequired[int | SettingsInputPatch | list[int | SettingsInputPatch]]
    stride: NotRequired[int | SettingsInputStride]
    edge: NotRequired[Literal['clip', 'valid', 'article']]
    fill: NotRequired[SettingsInputFill | SettingsInputFill1 | SettingsInputFill2 | SettingsInputFill3 | SettingsInputFill4]
    target: NotRequired[SettingsInputTarget | SettingsInputTarget1 | SettingsInputTarget2 | SettingsInputTarget3 | SettingsInputTarget4]
    score: NotRequired[Literal['probability', 'logit', 'log-odds']]
    strategy: NotRequired[Literal['auto', 'dense', 'incremental']]
    allowGaps: NotRequired[bool]
    refine: NotRequired[bool | SettingsInputRefine | None]
    faithfulness: NotRequired[bool | SettingsInputFaithfulness | None]


class TrialModel(TypedDict):
    name: str
    digest: str


class TrialProgress(TypedDict):
    done: int
    total: int


class TrialClass(TypedDict):
    index: int | None
    label: str


class TrialResultCoverDifference(TypedDict):
    mean: float
    low: float
    high: float


class TrialResultCoverAsClassDifference(TypedDict):
    mean: float
    low: float
    high: float


class TrialResultCoverAsClass(TypedDict):
    before: float
    after: float
    difference: TrialResultCoverAsClassDifference


class TrialResultCover(TypedDict):
    images: int
    before: float
    after: float
    difference: TrialResultCoverDifference
    asClass: TrialResultCoverAsClass


class TrialResultCoverElsewhereDifference(TypedDict):
    mean: float
    low: float
    high: float


class TrialResultCoverElsewhereAsClassDifference(TypedDict):
    mean: float
    low: float
    high: float


class TrialResultCoverElsewhereAsClass(TypedDict):
    before: float
    after: float
    difference: TrialResultCoverElsewhereAsClassDifference


class TrialResultCoverElsewhere(TypedDict):
    images: int
    before: float
    after: float
    difference: TrialResultCoverElsewhereDifference
    asClass: TrialResultCoverElsewhereAsClass


class TrialResultPasteDifference(TypedDict):
    mean: float
    low: float
    high: float


class TrialResultPasteAsClassDifference(TypedDict):
    mean: float
    low: float
    high: float


class TrialResultPasteAsClass(TypedDict):
    before: float
    after: float
    difference: TrialResultPasteAsClassDifference


class TrialResultPaste(TypedDict):
    images: int
    before: float
    after: float
    difference: TrialResultPasteDifference
    asClass: TrialResultPasteAsClass


class TrialResultPasteOtherDifference(TypedDict):
    mean: float
    low: float
    high: float


class TrialResultPasteOtherAsClassDifference(TypedDict):
    mean: float
    low: float
    high: float


class TrialResultPasteOtherAsClass(TypedDict):
    before: float
    after: float
    difference: TrialResultPasteOtherAsClassDifference


class TrialResultPasteOther(TypedDict):
    images: int
    before: float
    after: float
    difference: TrialResultPasteOtherDifference
    asClass: TrialResultPasteOtherAsClass


class TrialResultCoverEffectRight(TypedDict):
    mean: float
    low: float
    high: float


class TrialResultCoverEffectAsClass(TypedDict):
    mean: float
    low: float
    high: float


class TrialResultCoverEffect(TypedDict):
    right: TrialResultCoverEffectRight
    asClass: TrialResultCoverEffectAsClass


class TrialResultPasteEffectRight(TypedDict):
    mean: float
    low: float
    high: float


class TrialResultPasteEffectAsClass(TypedDict):
    mean: float
    low: float
    high: float


class TrialResultPasteEffect(TypedDict):
    right: TrialResultPasteEffectRight
    asClass: TrialResultPasteEffectAsClass


class TrialResult(TypedDict):
    cover: TrialResultCover
    coverElsewhere: TrialResultCoverElsewhere
    paste: TrialResultPaste | None
    pasteOther: TrialResultPasteOther | None
    coverEffect: TrialResultCoverEffect
    pasteEffect: TrialResultPasteEffect | None


class TrialOptionsOf(TypedDict):
    kind: Literal['cluster']
    cluster: int


class TrialOptionsOf1Region(TypedDict):
    top: float
    left: float
    bottom: float
    right: float


TrialOptionsOf1 = TypedDict(
    'TrialOptionsOf1',
    {
        'kind': Literal['region'],
        'class': str,
        'index': NotRequired[int],
        'region': TrialOptionsOf1Region,
    },
)


class TrialOptions(TypedDict):
    of: TrialOptionsOf | TrialOptionsOf1
    images: int
    seed: int


class TrialOptionsInputOf(TypedDict):
    kind: Literal['cluster']
    cluster: int


class TrialOptionsInputOf1Region(TypedDict):
    top: float
    left: float
    bottom: float
    right: float


TrialOptionsInputOf1 = TypedDict(
    'TrialOptionsInputOf1',
    {
        'kind': Literal['region'],
        'class': str,
        'index': NotRequired[int],
        'region': TrialOptionsInputOf1Region,
    },
)


class TrialOptionsInput(TypedDict):
    of: TrialOptionsInputOf | TrialOptionsInputOf1
    images: NotRequired[int]
    seed: NotRequired[int]


class WorkerRunningItemRows(TypedDict):
    start: int
    end: int


class WorkerRunningItem(TypedDict):
    step: Literal['ingest', 'shard', 'merge', 'archive', 'webhook', 'report', 'trial']
    tenant: str
    job: str | None
    image: str | None
    rows: WorkerRunningItemRows | None
    model: str | None
    since: str


class Worker(TypedDict):
    id: str
    formats: list[Literal['onnx', 'tfjs-layers', 'tfjs-graph']]
    inferenceThreads: int
    backends: dict[str, str]
    umbraVersion: NotRequired[str]
    seenAt: str
    running: list[WorkerRunningItem]
    othersRunning: int


class Dataset(TypedDict):
    version: Literal[2]
    id: str
    state: Literal['open', 'validating', 'ready', 'failed']
    metadata: dict[str, str]
    createdAt: str
    readyAt: str | None
    failedAt: str | None
    images: int
    bytes: int
    refused: int
    duplicates: int
    labelled: int
    error: ErrorReport | None


class ImageResult(TypedDict):
    version: Literal[2, 3, 4, 5]
    image: ImageResultImage
    model: ImageResultModel
    settings: Settings
    approximate: bool
    input: ImageResultInput
    toPhoto: NotRequired[ImageResultToPhoto]
    predicted: ImageResultPredicted
    top: NotRequired[list[ImageResultTopItem]]
    isRight: NotRequired[bool | None]
    grids: list[ImageResultGrid]
    targets: list[ImageResultTarget]
    files: list[str]
    onRequest: list[str]
    provenance: ImageResultProvenance
    reused: bool


class Job(TypedDict):
    version: Literal[4]
    id: str
    dataset: str
    model: JobModel
    settings: Settings
    outputs: list[Literal['heatmap', 'overlay', 'thumbnail', 'scores', 'predicted-classes', 'attribution']]
    rowsPerShard: int | None
    priority: int
    metadata: dict[str, str]
    expiresAt: str | None
    errorThreshold: float | None
    reuse: bool
    keepResultsSeconds: int | None
    archivePartBytes: int | None
    webhook: JobWebhook | None
    interactive: bool
    attempt: int
    positionsPerImage: int | None
    state: Literal['validating', 'queued', 'in_progress', 'paused', 'finalizing', 'completed', 'failed', 'cancelling', 'cancelled', 'expired']
    counts: Counts
    createdAt: str
    startedAt: str | None
    pausedAt: str | None
    finalizingAt: str | None
    completedAt: str | None
    failedAt: str | None
    cancellingAt: str | None
    cancelledAt: str | None
    expiredAt: str | None
    ending: JobEnding | None
    error: ErrorReport | None
    positions: JobPositions
    positionsPerSecond: float | None
    etaSeconds: float | None
    waitingFor: str | None


class JobReport(TypedDict):
    version: Literal[1]
    job: str
    model: JobReportModel
    settings: Settings
    request: ReportOptions
    writtenAt: str
    images: JobReportImages
    isComplete: bool
    groupBy: Literal['label', 'predicted']
    lattice: JobReportLattice
    input: JobReportInput | None
    metrics: JobReportMetrics
    classes: list[JobReportClass]
    patches: JobReportPatches
    flips: list[JobReportFlip]
    trust: JobReportTrust
    suspects: list[JobReportSuspect]
    notes: list[str]


class JobRequest(TypedDict):
    dataset: str
    model: str
    settings: NotRequired[SettingsInput]
    outputs: NotRequired[list[Literal['heatmap', 'overlay', 'thumbnail', 'scores', 'predicted-classes', 'attribution']]]
    rowsPerShard: NotRequired[int]
    priority: NotRequired[int]
    metadata: NotRequired[dict[str, str]]
    expiresAfterSeconds: NotRequired[int]
    errorThreshold: NotRequired[float]
    reuse: NotRequired[bool]
    keepResultsSeconds: NotRequired[int]
    archivePartBytes: NotRequired[int]
    webhook: NotRequired[JobRequestWebhook]


class Problem(TypedDict):
    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: Literal['invalid_input', 'unauthorized', 'forbidden', 'too_large', 'unsupported_media_type', 'method_not_allowed', 'not_found', 'request_timeout', 'conflict', 'range_not_satisfiable', 'unprocessable', 'poison', 'rate_limited', 'quota_exceeded', 'integrity', 'unavailable', 'deadline_exceeded', 'cancelled', 'internal']
    requestId: str
    errors: NotRequired[list[ProblemError]]
    refusals: NotRequired[list[Refusal]]


Trial = TypedDict(
    'Trial',
    {
        'version': Literal[1],
        'id': str,
        'job': str,
        'model': TrialModel,
        'request': TrialOptions,
        'state': Literal['queued', 'running', 'completed', 'failed', 'cancelled'],
        'createdAt': str,
        'startedAt': str | None,
        'endedAt': str | None,
        'progress': TrialProgress,
        'class': TrialClass | None,
        'result': TrialResult | None,
        'error': ErrorReport | None,
    },
)
