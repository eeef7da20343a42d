// Made by `npm run openapi` from openapi.json, which is made from the operations of apps/api.
// Not to be edited.

export interface paths {
    "/v1/datasets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List datasets, oldest first
         * @description Needs a key with scope `read`.
         */
        get: operations["listDatasets"];
        put?: never;
        /**
         * Create a dataset; bad files are refused one by one, with reasons
         * @description From images: ready after this one request. From JSON without a source: open, and takes images until it is closed. From a source or a manifest: a worker validates the images where they are stored.
         *
         *     Needs a key with scope `submit`.
         */
        post: operations["createDataset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/datasets/{dataset}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a dataset, with its counts so far
         * @description Needs a key with scope `read`.
         */
        get: operations["getDataset"];
        put?: never;
        post?: never;
        /**
         * Delete a dataset that no job reads, with its images; results of jobs stay
         * @description Needs a key with scope `submit`.
         */
        delete: operations["deleteDataset"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/datasets/{dataset}/images": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the images of a ready dataset
         * @description Needs a key with scope `read`.
         */
        get: operations["listDatasetImages"];
        put?: never;
        /**
         * Add images to an open dataset
         * @description Images received before a request breaks off are kept; the same file sent again counts once.
         *
         *     Needs a key with scope `submit`.
         */
        post: operations["addImages"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/datasets/{dataset}/refusals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the refused files, with reasons, as JSON Lines
         * @description Needs a key with scope `read`.
         */
        get: operations["listRefusals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/datasets/{dataset}/close": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Close an open dataset, which then never changes; idempotent
         * @description Needs a key with scope `submit`.
         */
        post: operations["closeDataset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/datasets/{dataset}/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Presign URLs to upload images of an open dataset directly to S3
         * @description Needs a key with scope `submit`.
         */
        post: operations["presignUploads"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/datasets/{dataset}/archives": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begin the upload of a large archive in parts to an open dataset
         * @description Needs a key with scope `submit`.
         */
        post: operations["beginArchive"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/datasets/{dataset}/archives/{archive}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get an archive upload's offset; HEAD answers with the headers alone
         * @description Needs a key with scope `submit`.
         */
        get: operations["getArchiveUpload"];
        put?: never;
        post?: never;
        /**
         * Remove an archive from an open dataset
         * @description Needs a key with scope `submit`.
         */
        delete: operations["deleteArchiveUpload"];
        options?: never;
        head?: never;
        /**
         * Upload a part of an archive; bytes received before a request breaks off are kept
         * @description Needs a key with scope `submit`.
         */
        patch: operations["appendArchive"];
        trace?: never;
    };
    "/v1/datasets/{dataset}/images/{image}/photo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Draw a photo of a dataset: upright, shrunk, and without its metadata
         * @description The original is never sent: it may say where it was taken. A photo that is smaller than asked for is not enlarged.
         *
         *     Needs a key with scope `read`.
         */
        get: operations["getPhoto"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/datasets/{dataset}/images/{image}/geometry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get where the cells of an image would lie on the photo, before there is a job
         * @description Settings that no job of the model could have are refused, as by `createJob`.
         *
         *     Needs a key with scope `read`.
         */
        get: operations["previewGeometry"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/datasets/{dataset}/images/{image}/input.png": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Draw the model's input before there is a job; with row and column, with the patch there
         * @description Settings that no job of the model could have are refused, as by `createJob`.
         *
         *     Needs a key with scope `read`.
         */
        get: operations["previewInput"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List jobs, in the order of their ids or the newest first
         * @description Needs a key with scope `read`.
         */
        get: operations["listJobs"];
        put?: never;
        /**
         * Create a job that explains a dataset with a model; with dryRun, only estimate it
         * @description Needs a key with scope `submit`.
         */
        post: operations["createJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a job, with its state, counts, positions done and ETA
         * @description Needs a key with scope `read`.
         */
        get: operations["getJob"];
        put?: never;
        post?: never;
        /**
         * Delete a job that has ended, with its results; its dataset stays
         * @description Needs a key with scope `submit`.
         */
        delete: operations["deleteJob"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel a job; finished images stay, and are in its archive
         * @description Needs a key with scope `submit`.
         */
        post: operations["cancelJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pause a job: start no more images until it is resumed
         * @description Needs a key with scope `submit`.
         */
        post: operations["pauseJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resume a paused job
         * @description Needs a key with scope `submit`.
         */
        post: operations["resumeJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retry an ended job: run the images that failed or were not run, reusing finished rows
         * @description Needs a key with scope `submit`.
         */
        post: operations["retryJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/images": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the images of a job with their states
         * @description Needs a key with scope `read`.
         */
        get: operations["listImages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow a job live: its states, its progress, and each image as it is finished
         * @description Server-sent events `state`, `progress` and `image`, their data JSON. A connection begins with how things stand; one that sends the id of the last event it has goes on after that, without gaps or doubles, or begins with `reset` where that event is no longer kept. It ends after the final state, and from time to time, so that the key is checked again: who connects again with the last id goes on. With `bands=true`, a `band` tells the scores of rows as they arrive; bands have no id and are not kept: the partial result of an image, read once the stream has begun, has those before it.
         *
         *     Needs a key with scope `read`.
         */
        get: operations["followJob"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the events posted to a job's webhook, with every attempt and its outcome
         * @description Needs a key with scope `read`.
         */
        get: operations["listDeliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/deliveries/redeliver": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Post the undelivered events of a job's webhook again
         * @description Needs a key with scope `submit`.
         */
        post: operations["redeliverWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/webhook/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replace the secret of a job's webhook; the one before signs as well for a time
         * @description Needs a key with scope `submit`.
         */
        post: operations["rotateWebhookSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/images/{image}/partial": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the scores of an image that is still running
         * @description Needs a key with scope `read`.
         */
        get: operations["getPartialResult"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/images/{image}/partial.png": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Draw the heatmap of an image that is still running, as the final one is drawn; what is unknown is grey
         * @description Needs a key with scope `read`.
         */
        get: operations["getPartialPicture"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Explain one image while the client waits, ahead of all queued jobs
         * @description The body is an image, or a form with one and with the same fields as the query. `Accept: image/png` requests the picture. The job is cancelled at the deadline. Its results are deleted after an hour.
         *
         *     Needs a key with scope `submit`.
         */
        post: operations["explainImage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/images/{image}/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download a file of a finished image; result.json lists them all
         * @description A file that the job does not store is drawn from its scores: the same bytes as if it had been stored.
         *
         *     Needs a key with scope `read`.
         */
        get: operations["getResultFile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/archive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download the archive of a job that has one: a zip with digests and provenance
         * @description With `include`, a zip of these kinds of files of all finished images, written while it is sent; what is not stored is drawn. It has no length, and no ranges.
         *
         *     Needs a key with scope `read`.
         */
        get: operations["getArchive"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/archives": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the archives of a job; each is a complete zip
         * @description Needs a key with scope `read`.
         */
        get: operations["listArchives"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/archives/{part}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download one archive of a job, by name
         * @description Needs a key with scope `read`.
         */
        get: operations["getArchivePart"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/errors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the images that failed, with reasons, as JSON Lines
         * @description Needs a key with scope `read`.
         */
        get: operations["listErrors"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/images/{image}/geometry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get where the cells of an image lie on the photo, whether or not it is finished
         * @description Needs a key with scope `read`.
         */
        get: operations["getGeometry"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/rows": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a job's images with what came of them, sorted and filtered by any field
         * @description Needs a key with scope `read`.
         */
        get: operations["listRows"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/rows/facets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count a job's images by state, label and predicted class
         * @description Needs a key with scope `read`.
         */
        get: operations["getRowFacets"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/rows.csv": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download a job's rows as CSV, a column a field
         * @description Needs a key with scope `read`.
         */
        get: operations["getRowsCsv"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/rows.jsonl": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download a job's rows as JSON Lines
         * @description Needs a key with scope `read`.
         */
        get: operations["getRowsJsonl"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/rows.parquet": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download a job's rows as Parquet, a column a field
         * @description Needs a key with scope `read`.
         */
        get: operations["getRowsParquet"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/compare/{other}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count what another job says otherwise of the same images
         * @description Needs a key with scope `read`.
         */
        get: operations["compareJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/compare/{other}/rows": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the images that another job has too, with what came of them in both
         * @description Fields are the job's, as those of its rows; `other.` and a field is the other job's, and `difference.` and a name what differs.
         *
         *     Needs a key with scope `read`.
         */
        get: operations["listComparedRows"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/report": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get how far a job's report is
         * @description Needs a key with scope `read`.
         */
        get: operations["getReportStatus"];
        put?: never;
        /**
         * Have the report of a job's images made, or made anew
         * @description The same request joins the report that is being made; another one replaces it. While the job goes on, the report is written anew as its images finish.
         *
         *     Needs a key with scope `submit`.
         */
        post: operations["requestReport"];
        /**
         * Delete a job's report, and end the work on it
         * @description Needs a key with scope `submit`.
         */
        delete: operations["deleteReport"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/report.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a job's report
         * @description Needs a key with scope `read`.
         */
        get: operations["getReport"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/report.parquet": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download what a job's report says of each image, as a table
         * @description Needs a key with scope `read`.
         */
        get: operations["getReportTable"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/report.html": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download a job's report as one HTML file, which needs no service
         * @description Needs a key with scope `read`.
         */
        get: operations["getReportPage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/report/crops/{image}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the decisive patch of an image that a report shows, cut out of its photo
         * @description Needs a key with scope `read`.
         */
        get: operations["getReportCrop"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/report/against/{other}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get how this job's report differs from another one's
         * @description Needs a key with scope `read`.
         */
        get: operations["compareReports"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/trials": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the trials of a job, the newest first
         * @description Needs a key with scope `read`.
         */
        get: operations["listTrials"];
        put?: never;
        /**
         * Try what covering a cluster or a region does to the images of its class
         * @description The same is pasted onto images of other classes. A job keeps its last 100 trials.
         *
         *     Needs a key with scope `submit`.
         */
        post: operations["createTrial"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/trials/{trial}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a trial, with its result once it has ended
         * @description Needs a key with scope `read`.
         */
        get: operations["getTrial"];
        put?: never;
        post?: never;
        /**
         * Cancel a trial; one that has ended stays as it is
         * @description Needs a key with scope `submit`.
         */
        delete: operations["cancelTrial"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/images/{image}/input.png": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Draw the model's input; with row and column, with the patch there
         * @description Needs a key with scope `read`.
         */
        get: operations["getInput"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/images/{image}/receptive-field.png": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Draw the receptive field of a unit (ROW,COLUMN) of a layer on the photo
         * @description Needs a key with scope `read`.
         */
        get: operations["getReceptiveField"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{job}/images/{image}/activations.png": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Draw a layer's feature maps for the photo, each from its lowest value to its highest
         * @description Needs a key with scope `read`.
         */
        get: operations["getActivations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the models that can be run
         * @description Needs a key with scope `read`.
         */
        get: operations["listModels"];
        put?: never;
        /**
         * Upload an ONNX model, which is checked before it can be used
         * @description Only its tenant sees and uses it. The answer comes once the model is checked, in a process of its own: digests, forward passes, and that every strategy gives the same. The same content again is not checked again. A model of the same name is replaced; jobs keep the version that they were made with. A name of the service's own models is refused.
         *
         *     Needs a key with scope `admin`.
         */
        post: operations["uploadModel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{model}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a model: how photos become its input, how many classes it has
         * @description Needs a key with scope `read`.
         */
        get: operations["getModel"];
        put?: never;
        post?: never;
        /**
         * Delete an uploaded model that no unfinished job runs, with all of its versions
         * @description Results of its jobs stay; what is drawn from the model itself, as its layers and what no job stored, is gone.
         *
         *     Needs a key with scope `admin`.
         */
        delete: operations["deleteModel"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{model}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Run a model again that was set aside
         * @description A model is set aside when the processes that run it end at several images one after another: its jobs end as failed, and new ones are refused. Earlier models of the name run again as well, for jobs that still name them. Does nothing to a model that is not set aside.
         *
         *     Needs a key with scope `admin`.
         */
        post: operations["retryModel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{model}/layers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a model's layers: shape, kernel, parameters, receptive field
         * @description Needs a key with scope `read`.
         */
        get: operations["listLayers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{model}/layers/{layer}/filters.png": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Draw a convolution's filters; pages are linked
         * @description Needs a key with scope `read`.
         */
        get: operations["getFilters"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{model}/layers/{layer}/filters.npy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download a convolution's filters as an array
         * @description Needs a key with scope `read`.
         */
        get: operations["getFilterArray"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Tell who asks: the tenant and the scopes of the key or of the session
         * @description Needs a key with scope `read`.
         */
        get: operations["whoAmI"];
        put?: never;
        /**
         * Log a browser in: make a session cookie from an API key
         * @description Scripts cannot read the cookie, and browsers send it to this service alone. It allows what its key allows, and ends with the key, at its own end, when the key is logged in too often elsewhere, or by `DELETE`. Where the service asks for no key there is no cookie.
         *
         *     Needs a key with scope `read`.
         */
        post: operations["logIn"];
        /**
         * Log a browser out: end the session of its cookie
         * @description Needs no key; where there is no session nothing happens.
         */
        delete: operations["logOut"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/workers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the live workers: the model formats that they run, and what they run now
         * @description What a worker runs is as of its last heartbeat, some seconds ago. It is told of the tenant's own work; of other tenants' only how much there is, unless an admin key of the tenant `default` asks.
         *
         *     Needs a key with scope `read`.
         */
        get: operations["listWorkers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/queue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Tell what waits: the queued shards of all tenants, and the tenant's unfinished jobs
         * @description Shards are those that are queued now, as many as keep the workers busy for a while; the images behind them wait with their jobs. Of a job it is told what it waits for, such as its turn, or a worker for its format.
         *
         *     Needs a key with scope `read`.
         */
        get: operations["getQueue"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check that this process answers */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check that Redis and the store answer, too, and that what requests share moves */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get this document */
        get: operations["getDocument"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show this document as a page to read */
        get: operations["getDocs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Counts: {
            total: number;
            completed: number;
            failed: number;
        };
        Dataset: {
            /** @constant */
            version: 2;
            id: string;
            /** @enum {string} */
            state: "open" | "validating" | "ready" | "failed";
            metadata: {
                [key: string]: string;
            };
            /** Format: date-time */
            createdAt: string;
            readyAt: string | null;
            failedAt: string | null;
            images: number;
            bytes: number;
            refused: number;
            duplicates: number;
            labelled: number;
            error: components["schemas"]["ErrorReport"] | null;
        };
        ErrorReport: {
            /** @enum {string} */
            code: "invalid_input" | "unauthorized" | "forbidden" | "too_large" | "unsupported_media_type" | "method_not_allowed" | "not_found" | "request_timeout" | "conflict" | "range_not_satisfiable" | "unprocessable" | "poison" | "rate_limited" | "quota_exceeded" | "integrity" | "unavailable" | "deadline_exceeded" | "cancelled" | "internal";
            message: string;
        };
        /** @description Who asks, and by what */
        Identity: {
            tenant: string;
            /** @description Each includes the ones before it */
            scopes: ("read" | "submit" | "admin")[];
            /**
             * @description What the request showed; `none` where the service asks for no key
             * @enum {string}
             */
            authentication: "key" | "session" | "none";
            /** @description Public part of the key, or of the key of the session */
            keyPrefix: string | null;
            /** @description When the session or the key ends; null where it does not */
            endsAt: string | null;
        };
        Image: {
            id: string;
            name: string;
            /** @enum {string} */
            state: "pending" | "running" | "completed" | "failed";
            error: components["schemas"]["ErrorReport"] | null;
        };
        ImageResult: {
            /** @enum {number} */
            version: 2 | 3 | 4 | 5;
            image: {
                id: string;
                name: string;
                sha256: string;
                width: number;
                height: number;
                label?: number | string;
                source?: {
                    bucket: string;
                    key: string;
                };
            };
            model: {
                name: string;
                digest: string;
            };
            settings: components["schemas"]["Settings"];
            approximate: boolean;
            input: {
                height: number;
                width: number;
            };
            toPhoto?: {
                y: {
                    scale: number;
                    offset: number;
                };
                x: {
                    scale: number;
                    offset: number;
                };
            };
            predicted: {
                index: number;
                label: string;
                probability: number;
                aboveThreshold?: boolean;
            };
            top?: {
                index: number;
                label: string;
                probability: number;
            }[];
            isRight?: boolean | null;
            grids: {
                patch: {
                    height: number;
                    width: number;
                };
                rows: number;
                columns: number;
                computed: number;
                flips: {
                    index: number | null;
                    label: string;
                    positions: number[];
                }[];
            }[];
            targets: {
                index: number;
                label: string;
                score: number;
                lowest: {
                    score: number;
                    grid: number;
                    row: number;
                    column: number;
                    box: {
                        top: number;
                        left: number;
                        bottom: number;
                        right: number;
                    };
                    photoBox?: {
                        top: number;
                        left: number;
                        bottom: number;
                        right: number;
                    };
                };
                borderShare?: number | null;
                faithfulness: {
                    deletion: number;
                    insertion: number;
                    pointingGame: boolean | null;
                } | null;
                heatmap: string;
                overlay: string;
            }[];
            files: string[];
            /** @default [] */
            onRequest: string[];
            provenance: {
                backend: string;
                backendVersion: string;
                device: string;
                /** @enum {string} */
                strategy: "dense" | "incremental";
                umbraVersion: string;
            };
            /** @default false */
            reused: boolean;
        };
        ImageRow: {
            id: string;
            index: number;
            name: string;
            label: (number | string) | null;
            /** @enum {string} */
            state: "pending" | "running" | "completed" | "failed";
            error: components["schemas"]["ErrorReport"] | null;
            predicted: {
                index: number;
                label: string;
                probability: number;
                aboveThreshold?: boolean;
            } | null;
            isRight: boolean | null;
            top: {
                index: number;
                label: string;
                probability: number;
            }[] | null;
            target: {
                index: number;
                label: string;
            } | null;
            score: number | null;
            drop: number | null;
            lowest: {
                grid: number;
                row: number;
                column: number;
                box: {
                    top: number;
                    left: number;
                    bottom: number;
                    right: number;
                } | null;
            } | null;
            flips: number | null;
            flippedShare: number | null;
            borderShare: number | null;
            seconds: number | null;
            width: number;
            height: number;
        };
        Job: {
            /** @constant */
            version: 4;
            id: string;
            dataset: string;
            model: {
                name: string;
                digest: string;
            };
            settings: components["schemas"]["Settings"];
            outputs: ("heatmap" | "overlay" | "thumbnail" | "scores" | "predicted-classes" | "attribution")[];
            rowsPerShard: number | null;
            priority: number;
            metadata: {
                [key: string]: string;
            };
            expiresAt: string | null;
            errorThreshold: number | null;
            reuse: boolean;
            keepResultsSeconds: number | null;
            archivePartBytes: number | null;
            webhook: {
                url: string;
            } | null;
            interactive: boolean;
            attempt: number;
            positionsPerImage: number | null;
            state: components["schemas"]["JobState"];
            counts: components["schemas"]["Counts"];
            /** Format: date-time */
            createdAt: string;
            startedAt: string | null;
            pausedAt: string | null;
            finalizingAt: string | null;
            completedAt: string | null;
            failedAt: string | null;
            cancellingAt: string | null;
            cancelledAt: string | null;
            expiredAt: string | null;
            ending: {
                /** @enum {string} */
                state: "cancelled" | "expired" | "failed";
                /** Format: date-time */
                requestedAt: string;
                error: components["schemas"]["ErrorReport"] | null;
            } | null;
            error: components["schemas"]["ErrorReport"] | null;
            positions: {
                done: number;
                total: number | null;
            };
            positionsPerSecond: number | null;
            etaSeconds: number | null;
            waitingFor: string | null;
        };
        JobEstimate: {
            warnings: string[];
            images: number;
            positionsPerImage: number | null;
            positions: number | null;
            forwardPasses: number | null;
            inferenceThreads: number;
            seconds: number | null;
            bytes: number | null;
        };
        JobReport: {
            /** @constant */
            version: 1;
            job: string;
            model: {
                name: string;
                digest: string;
            };
            settings: components["schemas"]["Settings"];
            request: components["schemas"]["ReportOptions"];
            /** Format: date-time */
            writtenAt: string;
            images: {
                total: number;
                ended: number;
                read: number;
            };
            isComplete: boolean;
            /** @enum {string} */
            groupBy: "label" | "predicted";
            lattice: {
                rows: number;
                columns: number;
            };
            input: {
                height: number;
                width: number;
            } | null;
            metrics: {
                images: number;
                accuracy: number | null;
                drop: number | null;
                flipped: number | null;
                "off-object": number | null;
                border: number | null;
                "significant-classes": number;
                "off-object-cluster": number | null;
                unstable: number | null;
                suspects: number;
            };
            classes: {
                class: {
                    index: number | null;
                    label: string;
                };
                images: number;
                accuracy: {
                    mean: number;
                    low: number;
                    high: number;
                } | null;
                drop: {
                    mean: number;
                    low: number;
                    high: number;
                };
                flipped: {
                    mean: number;
                    low: number;
                    high: number;
                };
                atlas: {
                    input: {
                        images: number;
                        /** Format: base64 */
                        mean: string;
                        /** Format: base64 */
                        deviation: string;
                    };
                    object: {
                        images: number;
                        /** Format: base64 */
                        mean: string;
                        /** Format: base64 */
                        deviation: string;
                    } | null;
                };
                running: {
                    images: number;
                    mean: number;
                    halfWidth: number;
                }[];
                enough: {
                    images: number | null;
                    tolerance: number;
                };
                offObject: {
                    images: number;
                    share: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                    area: number;
                    excess: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                    p: number;
                    adjusted: number;
                    isSignificant: boolean;
                    follows: {
                        p: number;
                        adjusted: number;
                    };
                } | null;
                border: {
                    images: number;
                    share: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                    area: number;
                    excess: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                    p: number;
                    adjusted: number;
                    isSignificant: boolean;
                } | null;
            }[];
            patches: {
                layer: string | null;
                reason: string | null;
                images: number;
                candidates: number;
                choices: {
                    class: {
                        index: number | null;
                        label: string;
                    };
                    clusters: number;
                    silhouette: number | null;
                }[];
                clusters: {
                    id: number;
                    class: {
                        index: number | null;
                        label: string;
                    };
                    images: number;
                    share: number;
                    medianDrop: number;
                    medianLoss: number | null;
                    compactness: number;
                    weight: number;
                    offObject: number | null;
                    place: {
                        y: {
                            mean: number;
                            deviation: number;
                        };
                        x: {
                            mean: number;
                            deviation: number;
                        };
                    };
                    members: {
                        id: string;
                        name: string;
                        drop: number;
                        box: {
                            top: number;
                            left: number;
                            bottom: number;
                            right: number;
                        };
                        similarity: number;
                    }[];
                }[];
            };
            flips: {
                from: {
                    index: number;
                    label: string;
                };
                to: {
                    index: number;
                    label: string;
                } | null;
                images: number;
                share: number;
                positions: number;
                examples: {
                    id: string;
                    name: string;
                    box: {
                        top: number;
                        left: number;
                        bottom: number;
                        right: number;
                    };
                }[];
            }[];
            trust: {
                agreement: {
                    maps: {
                        name: string;
                        job: string | null;
                    }[];
                    images: number;
                    mean: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                    threshold: number;
                    unstable: number;
                    histogram: number[];
                    worst: {
                        id: string;
                        name: string;
                        agreement: number;
                    }[];
                } | null;
                order: {
                    images: number;
                    steps: number;
                    deletion: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                    randomDeletion: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                    insertion: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                    randomInsertion: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                    p: {
                        deletion: number;
                        insertion: number;
                    };
                } | null;
            };
            suspects: {
                id: string;
                name: string;
                label: (number | string) | null;
                predicted: {
                    index: number;
                    label: string;
                };
                class: {
                    index: number | null;
                    label: string;
                };
                drop: number;
                distance: number;
                z: number;
                reasons: string[];
            }[];
            notes: string[];
        };
        JobRequest: {
            dataset: string;
            model: string;
            /** @default {} */
            settings?: components["schemas"]["SettingsInput"];
            outputs?: ("heatmap" | "overlay" | "thumbnail" | "scores" | "predicted-classes" | "attribution")[];
            rowsPerShard?: number;
            /** @default 50 */
            priority?: number;
            /** @default {} */
            metadata?: {
                [key: string]: string;
            };
            expiresAfterSeconds?: number;
            errorThreshold?: number;
            /** @default true */
            reuse?: boolean;
            keepResultsSeconds?: number;
            archivePartBytes?: number;
            webhook?: {
                /** Format: uri */
                url: string;
                secret?: string;
            };
        };
        /** @enum {string} */
        JobState: "validating" | "queued" | "in_progress" | "paused" | "finalizing" | "completed" | "failed" | "cancelling" | "cancelled" | "expired";
        Layer: {
            index: number;
            name: string;
            /** @enum {string} */
            kind: "convolution" | "pooling" | "activation" | "normalization" | "dense" | "combination" | "padding" | "reshaping" | "other";
            op: string;
            outputShape: number[] | null;
            kernel: {
                y: number;
                x: number;
            } | null;
            stride: {
                y: number;
                x: number;
            } | null;
            padding: {
                top: number;
                left: number;
                bottom: number;
                right: number;
            } | null;
            dilation: {
                y: number;
                x: number;
            } | null;
            groups: number | null;
            filters: number[] | null;
            parameters: number;
            receptiveField: {
                /** @constant */
                kind: "window";
                y: {
                    size: number;
                    jump: number;
                    start: number;
                };
                x: {
                    size: number;
                    jump: number;
                    start: number;
                };
            } | {
                /** @constant */
                kind: "whole";
            } | {
                /** @constant */
                kind: "unknown";
            };
            convolution: number | null;
            feature: number | null;
        };
        LayerList: {
            model: string;
            digest: string;
            input: {
                height: number;
                width: number;
            };
            layers: components["schemas"]["Layer"][];
        };
        Model: {
            name: string;
            digest: string;
            /** @enum {string} */
            format: "onnx" | "tfjs-layers" | "tfjs-graph";
            input: {
                height: number;
                width: number;
                resize: {
                    /** @constant */
                    rule: "crop";
                    shorterSide: number;
                } | {
                    /** @constant */
                    rule: "fit";
                    shorterSide: number;
                } | {
                    /** @constant */
                    rule: "squash";
                };
            };
            output: {
                /** @enum {string} */
                kind: "logits" | "probabilities" | "independent-logits" | "independent-probabilities";
                name?: string;
                positive?: string;
                negative?: string;
                threshold?: number;
            };
            licence: string;
            /** @enum {string} */
            scope: "tenant" | "service";
            uploadedAt: string | null;
            setAside: {
                reason: string;
                /** Format: date-time */
                at: string;
            } | null;
        };
        ModelDetail: {
            name: string;
            digest: string;
            /** @enum {string} */
            format: "onnx" | "tfjs-layers" | "tfjs-graph";
            input: {
                /** @enum {string} */
                layout: "NCHW" | "NHWC";
                height: number;
                width: number;
                /** @enum {string} */
                channels: "RGB" | "BGR" | "L";
                scale: number;
                mean: number[];
                std: number[];
                resize: {
                    /** @constant */
                    rule: "crop";
                    shorterSide: number;
                } | {
                    /** @constant */
                    rule: "fit";
                    shorterSide: number;
                } | {
                    /** @constant */
                    rule: "squash";
                };
                /** @enum {string} */
                interpolation: "bilinear" | "bicubic";
            };
            output: {
                /** @enum {string} */
                kind: "logits" | "probabilities" | "independent-logits" | "independent-probabilities";
                name?: string;
                positive?: string;
                negative?: string;
                threshold?: number;
            };
            licence: string;
            /** @enum {string} */
            scope: "tenant" | "service";
            uploadedAt: string | null;
            setAside: {
                reason: string;
                /** Format: date-time */
                at: string;
            } | null;
            classes: number | null;
            bytes: number;
            source: string;
        };
        /** @description Problem details as RFC 9457 has them */
        Problem: {
            /** @description `urn:umbra:problem:` and the code */
            type: string;
            title: string;
            status: number;
            /** @description What, where, and what was expected */
            detail: string;
            instance: string;
            /** @enum {string} */
            code: "invalid_input" | "unauthorized" | "forbidden" | "too_large" | "unsupported_media_type" | "method_not_allowed" | "not_found" | "request_timeout" | "conflict" | "range_not_satisfiable" | "unprocessable" | "poison" | "rate_limited" | "quota_exceeded" | "integrity" | "unavailable" | "deadline_exceeded" | "cancelled" | "internal";
            /** @description Names the request in the log */
            requestId: string;
            /** @description Every place where the input is not as it must be */
            errors?: {
                path: string;
                message: string;
            }[];
            /** @description Files that were not accepted, where none was */
            refusals?: components["schemas"]["Refusal"][];
        } & {
            [key: string]: unknown;
        };
        Queue: {
            shards: {
                formats: ("onnx" | "tfjs-layers" | "tfjs-graph")[];
                waiting: number;
                running: number;
                oldestAt: string | null;
            }[];
            jobs: {
                id: string;
                state: components["schemas"]["JobState"];
                model: string;
                /** Format: date-time */
                createdAt: string;
                counts: components["schemas"]["Counts"];
                imagesInFlight: number;
                waitsFor: {
                    /** @enum {string} */
                    for: "dataset" | "worker" | "resume" | "turn";
                    words: string;
                } | null;
            }[];
            unlisted: number | null;
        };
        Refusal: {
            name: string;
            error: components["schemas"]["ErrorReport"];
        };
        ReportDifference: {
            /** @constant */
            version: 1;
            a: string;
            b: string;
            metrics: {
                [key: string]: {
                    a: number | null;
                    b: number | null;
                    difference: number | null;
                    low: number | null;
                    high: number | null;
                };
            };
            classes: {
                class: string;
                images: {
                    a: number;
                    b: number;
                };
                drop: {
                    a: number | null;
                    b: number | null;
                    difference: number | null;
                    low: number | null;
                    high: number | null;
                };
                accuracy: {
                    a: number | null;
                    b: number | null;
                    difference: number | null;
                    low: number | null;
                    high: number | null;
                };
                offObject: {
                    a: number | null;
                    b: number | null;
                    difference: number | null;
                    low: number | null;
                    high: number | null;
                };
                border: {
                    a: number | null;
                    b: number | null;
                    difference: number | null;
                    low: number | null;
                    high: number | null;
                };
                similarity: number | null;
                atlas: string | null;
            }[];
            onlyA: string[];
            onlyB: string[];
            notes: string[];
        };
        ReportOptions: {
            /** @enum {string} */
            groupBy?: "label" | "predicted";
            layer?: string;
            /** @default [] */
            others: string[];
            /** @default 2000 */
            patches: number;
            /** @default 16 */
            checkedImages: number;
            /** @default 1 */
            seed: number;
        };
        ReportOptionsInput: {
            /** @enum {string} */
            groupBy?: "label" | "predicted";
            layer?: string;
            /** @default [] */
            others?: string[];
            /** @default 2000 */
            patches?: number;
            /** @default 16 */
            checkedImages?: number;
            /** @default 1 */
            seed?: number;
        };
        ReportStatus: {
            /** @constant */
            version: 1;
            job: string;
            /** @enum {string} */
            state: "queued" | "running" | "completed" | "failed";
            request: components["schemas"]["ReportOptions"];
            /** Format: date-time */
            requestedAt: string;
            startedAt: string | null;
            writtenAt: string | null;
            completedAt: string | null;
            stage: string | null;
            progress: {
                done: number;
                total: number;
            };
            error: components["schemas"]["ErrorReport"] | null;
        };
        RowFacets: {
            total: number;
            states: {
                /** @enum {string} */
                state: "pending" | "running" | "completed" | "failed";
                count: number;
            }[];
            isRight: {
                right: number;
                wrong: number;
                unknown: number;
            };
            labels: {
                distinct: number;
                values: {
                    label: number | string;
                    count: number;
                }[];
            };
            predicted: {
                distinct: number;
                values: {
                    index: number;
                    label: string;
                    count: number;
                }[];
            };
            pairs: {
                distinct: number;
                values: {
                    label: number | string;
                    predicted: {
                        index: number;
                        label: string;
                    } | null;
                    count: number;
                }[];
            };
        };
        Settings: {
            patch: {
                height: number;
                width: number;
            } | {
                height: number;
                width: number;
            }[];
            stride: {
                y: number;
                x: number;
            };
            /** @enum {string} */
            edge: "clip" | "valid" | "article";
            fill: {
                /** @constant */
                kind: "constant";
                value: number;
                /**
                 * @default normalized
                 * @enum {string}
                 */
                space: "pixel" | "normalized";
            } | {
                /** @constant */
                kind: "mean";
            } | {
                /** @constant */
                kind: "dataset-mean";
            } | {
                /** @constant */
                kind: "blur";
                sigma: number;
            } | {
                /** @constant */
                kind: "noise";
                seed: number;
            };
            target: {
                /** @constant */
                kind: "predicted";
            } | {
                /** @constant */
                kind: "top";
                k: number;
            } | {
                /** @constant */
                kind: "label";
            } | {
                /** @constant */
                kind: "class";
                index: number;
            } | {
                /** @constant */
                kind: "class";
                name: string;
            };
            /** @enum {string} */
            score: "probability" | "logit" | "log-odds";
            /** @enum {string} */
            strategy: "auto" | "dense" | "incremental";
            allowGaps: boolean;
            refine: {
                every: number;
                share: number;
            } | null;
            faithfulness: {
                steps: number;
            } | null;
            /**
             * @description `article`: the founding article's run, with edge `article`, fill 0.5 in normalised units, score `probability`, and stride 14 unless given; another edge, fill or score beside it is refused
             * @enum {string}
             */
            preset?: "article";
        };
        SettingsInput: {
            /**
             * @description `article`: the founding article's run, with edge `article`, fill 0.5 in normalised units, score `probability`, and stride 14 unless given; another edge, fill or score beside it is refused
             * @enum {string}
             */
            preset?: "article";
            /** @description Size of the patch in px of the model's input: one number, or height and width; a list of sizes gives a map each, and their mean */
            patch?: (number | {
                height: number;
                width: number;
            }) | (number | {
                height: number;
                width: number;
            })[];
            /** @description Distance between positions, px; beyond a patch only with `allowGaps` */
            stride?: number | {
                y: number;
                x: number;
            };
            /**
             * @description `clip` covers every pixel and cuts the last patch; `valid` places whole patches only; `article` has the count of the founding article
             * @enum {string}
             */
            edge?: "clip" | "valid" | "article";
            /** @description What is written under the patch: see Fills */
            fill?: {
                /** @constant */
                kind: "constant";
                value: number;
                /**
                 * @default normalized
                 * @enum {string}
                 */
                space?: "pixel" | "normalized";
            } | {
                /** @constant */
                kind: "mean";
            } | {
                /** @constant */
                kind: "dataset-mean";
            } | {
                /** @constant */
                kind: "blur";
                sigma: number;
            } | {
                /** @constant */
                kind: "noise";
                seed: number;
            };
            /** @description The classes whose score is mapped: the predicted one, its first k (`top`), the image's own label, or a class by index or name */
            target?: {
                /** @constant */
                kind: "predicted";
            } | {
                /** @constant */
                kind: "top";
                k: number;
            } | {
                /** @constant */
                kind: "label";
            } | {
                /** @constant */
                kind: "class";
                index: number;
            } | {
                /** @constant */
                kind: "class";
                name: string;
            };
            /**
             * @description `probability`; `logit`; `log-odds`, ln(p / (1 - p)), which still moves where the model is sure
             * @enum {string}
             */
            score?: "probability" | "logit" | "log-odds";
            /**
             * @description `dense`: a whole forward pass for each position; `incremental`: parts of the baseline run are reused; `auto` chooses. All give the same scores
             * @enum {string}
             */
            strategy?: "auto" | "dense" | "incremental";
            /** @description Accepts a stride beyond a patch, which leaves pixels that no patch covers */
            allowGaps?: boolean;
            /** @description Runs a coarse lattice, then the positions where scores vary: see Refine */
            refine?: boolean | null | {
                /** @default 5 */
                every?: number;
                /** @default 0.25 */
                share?: number;
            };
            /** @description Measures each map by deletion, insertion and the pointing game: see Faithfulness */
            faithfulness?: boolean | null | {
                /** @default 50 */
                steps?: number;
            };
        };
        Trial: {
            /** @constant */
            version: 1;
            id: string;
            job: string;
            model: {
                name: string;
                digest: string;
            };
            request: components["schemas"]["TrialOptions"];
            /** @enum {string} */
            state: "queued" | "running" | "completed" | "failed" | "cancelled";
            /** Format: date-time */
            createdAt: string;
            startedAt: string | null;
            endedAt: string | null;
            progress: {
                done: number;
                total: number;
            };
            class: {
                index: number | null;
                label: string;
            } | null;
            result: {
                cover: {
                    images: number;
                    before: number;
                    after: number;
                    difference: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                    asClass: {
                        before: number;
                        after: number;
                        difference: {
                            mean: number;
                            low: number;
                            high: number;
                        };
                    };
                };
                coverElsewhere: {
                    images: number;
                    before: number;
                    after: number;
                    difference: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                    asClass: {
                        before: number;
                        after: number;
                        difference: {
                            mean: number;
                            low: number;
                            high: number;
                        };
                    };
                };
                paste: {
                    images: number;
                    before: number;
                    after: number;
                    difference: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                    asClass: {
                        before: number;
                        after: number;
                        difference: {
                            mean: number;
                            low: number;
                            high: number;
                        };
                    };
                } | null;
                pasteOther: {
                    images: number;
                    before: number;
                    after: number;
                    difference: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                    asClass: {
                        before: number;
                        after: number;
                        difference: {
                            mean: number;
                            low: number;
                            high: number;
                        };
                    };
                } | null;
                coverEffect: {
                    right: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                    asClass: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                };
                pasteEffect: {
                    right: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                    asClass: {
                        mean: number;
                        low: number;
                        high: number;
                    };
                } | null;
            } | null;
            error: components["schemas"]["ErrorReport"] | null;
        };
        TrialOptions: {
            of: {
                /** @constant */
                kind: "cluster";
                cluster: number;
            } | {
                /** @constant */
                kind: "region";
                class: string;
                index?: number;
                region: {
                    top: number;
                    left: number;
                    bottom: number;
                    right: number;
                };
            };
            /** @default 1000 */
            images: number;
            /** @default 1 */
            seed: number;
        };
        TrialOptionsInput: {
            of: {
                /** @constant */
                kind: "cluster";
                cluster: number;
            } | {
                /** @constant */
                kind: "region";
                class: string;
                index?: number;
                region: {
                    top: number;
                    left: number;
                    bottom: number;
                    right: number;
                };
            };
            /** @default 1000 */
            images?: number;
            /** @default 1 */
            seed?: number;
        };
        Worker: {
            id: string;
            formats: ("onnx" | "tfjs-layers" | "tfjs-graph")[];
            inferenceThreads: number;
            backends: {
                [key: string]: string;
            };
            umbraVersion?: string;
            /** Format: date-time */
            seenAt: string;
            running: {
                /** @enum {string} */
                step: "ingest" | "shard" | "merge" | "archive" | "webhook" | "report" | "trial";
                tenant: string;
                job: string | null;
                image: string | null;
                rows: {
                    start: number;
                    end: number;
                } | null;
                model: string | null;
                /** Format: date-time */
                since: string;
            }[];
            othersRunning: number;
        };
    };
    responses: {
        /** @description Conflict: `conflict` */
        Conflict: {
            headers: {
                /** @description Seconds to wait, where known */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Conflict: `conflict` or `cancelled` */
        ConflictOrCancelled: {
            headers: {
                /** @description Seconds to wait, where known */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Gateway Timeout: `deadline_exceeded` */
        DeadlineExceeded: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Forbidden: `forbidden` */
        Forbidden: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Internal Server Error: `integrity` or `internal` */
        IntegrityOrInternal: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Internal Server Error: `internal` */
        Internal: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Bad Request: `invalid_input` */
        InvalidInput: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Not Found: `not_found` */
        NotFound: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Range Not Satisfiable: `range_not_satisfiable` */
        RangeNotSatisfiable: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Too Many Requests: `rate_limited` */
        RateLimited: {
            headers: {
                /** @description Seconds to wait, where known */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Too Many Requests: `rate_limited` or `quota_exceeded` */
        RateLimitedOrQuotaExceeded: {
            headers: {
                /** @description Seconds to wait, where known */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Request Timeout: `request_timeout` */
        RequestTimeout: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Payload Too Large: `too_large` */
        TooLarge: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Unauthorized: `unauthorized` */
        Unauthorized: {
            headers: {
                /** @description How to say who asks */
                "WWW-Authenticate"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Service Unavailable: `unavailable` */
        Unavailable: {
            headers: {
                /** @description Seconds to wait, where known */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Unprocessable Entity: `unprocessable` */
        Unprocessable: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Unprocessable Entity: `unprocessable` or `poison` */
        UnprocessableOrPoison: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Unsupported Media Type: `unsupported_media_type` */
        UnsupportedMediaType: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listDatasets: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Dataset"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    createDataset: {
        parameters: {
            query?: {
                labels?: "folder";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @default {} */
                    metadata?: {
                        [key: string]: string;
                    };
                    source?: {
                        /** @constant */
                        kind: "s3";
                        uri: string;
                    };
                    /** @enum {string} */
                    labels?: "folder";
                };
                "multipart/form-data": {
                    images?: string[];
                } & {
                    [key: string]: unknown;
                };
                "application/zip": unknown;
                "application/x-zip-compressed": unknown;
                "application/x-tar": unknown;
                "application/gzip": unknown;
                "application/x-gzip": unknown;
                "application/octet-stream": unknown;
                "application/jsonl": unknown;
            };
        };
        responses: {
            /** @description Created: ready, or open */
            201: {
                headers: {
                    /** @description The dataset */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        version: 2;
                        id: string;
                        /** @enum {string} */
                        state: "open" | "validating" | "ready" | "failed";
                        metadata: {
                            [key: string]: string;
                        };
                        /** Format: date-time */
                        createdAt: string;
                        readyAt: string | null;
                        failedAt: string | null;
                        images: number;
                        bytes: number;
                        refused: number;
                        duplicates: number;
                        labelled: number;
                        error: components["schemas"]["ErrorReport"] | null;
                        refusals: components["schemas"]["Refusal"][];
                    };
                };
            };
            /** @description A worker is validating its images: poll it */
            202: {
                headers: {
                    /** @description The dataset */
                    Location?: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dataset"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimitedOrQuotaExceeded"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["DeadlineExceeded"];
        };
    };
    getDataset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                dataset: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The dataset */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dataset"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteDataset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                dataset: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listDatasetImages: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                dataset: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: {
                            /** @constant */
                            version: 1;
                            id: string;
                            name: string;
                            sha256: string;
                            bytes: number;
                            width: number;
                            height: number;
                            label?: number | string;
                            box?: {
                                top: number;
                                left: number;
                                bottom: number;
                                right: number;
                            };
                            source?: {
                                bucket: string;
                                key: string;
                            };
                        }[];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    addImages: {
        parameters: {
            query?: {
                labels?: "folder";
            };
            header?: never;
            path: {
                dataset: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    images?: string[];
                } & {
                    [key: string]: unknown;
                };
                "application/zip": unknown;
                "application/x-zip-compressed": unknown;
                "application/x-tar": unknown;
                "application/gzip": unknown;
                "application/x-gzip": unknown;
                "application/octet-stream": unknown;
                "application/jsonl": unknown;
            };
        };
        responses: {
            /** @description The dataset so far */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        version: 2;
                        id: string;
                        /** @enum {string} */
                        state: "open" | "validating" | "ready" | "failed";
                        metadata: {
                            [key: string]: string;
                        };
                        /** Format: date-time */
                        createdAt: string;
                        readyAt: string | null;
                        failedAt: string | null;
                        images: number;
                        bytes: number;
                        refused: number;
                        duplicates: number;
                        labelled: number;
                        error: components["schemas"]["ErrorReport"] | null;
                        refusals: components["schemas"]["Refusal"][];
                        added: number;
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimitedOrQuotaExceeded"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["DeadlineExceeded"];
        };
    };
    listRefusals: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                dataset: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One line a file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/jsonl": unknown;
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    closeDataset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                dataset: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ready */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dataset"];
                };
            };
            /** @description A worker is validating its images: poll it */
            202: {
                headers: {
                    /** @description The dataset */
                    Location?: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dataset"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    presignUploads: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                dataset: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    files: {
                        name: string;
                        bytes: number;
                        sha256: string;
                        label?: number | string;
                        box?: {
                            top: number;
                            left: number;
                            bottom: number;
                            right: number;
                        };
                    }[];
                };
            };
        };
        responses: {
            /** @description One upload a file, in the order requested; the URLs are valid for six hours */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        uploads: {
                            name: string;
                            sha256: string;
                            url: string | null;
                            headers: {
                                [key: string]: string;
                            };
                        }[];
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Unprocessable"];
            429: components["responses"]["RateLimitedOrQuotaExceeded"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    beginArchive: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                dataset: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    format: "zip" | "tar" | "tar.gz";
                    bytes: number;
                    /** @enum {string} */
                    labels?: "folder";
                };
            };
        };
        responses: {
            /** @description The upload and its offset */
            201: {
                headers: {
                    /** @description Bytes received */
                    "Upload-Offset"?: string;
                    /** @description Bytes of the archive */
                    "Upload-Length"?: string;
                    /** @description The upload */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        id: string;
                        /** @enum {string} */
                        format: "zip" | "tar" | "tar.gz";
                        bytes: number;
                        offset: number;
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimitedOrQuotaExceeded"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getArchiveUpload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                dataset: string;
                archive: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The upload and its offset */
            200: {
                headers: {
                    /** @description Bytes received */
                    "Upload-Offset"?: string;
                    /** @description Bytes of the archive */
                    "Upload-Length"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        id: string;
                        /** @enum {string} */
                        format: "zip" | "tar" | "tar.gz";
                        bytes: number;
                        offset: number;
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteArchiveUpload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                dataset: string;
                archive: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    appendArchive: {
        parameters: {
            query?: never;
            header: {
                "Upload-Offset": string;
            };
            path: {
                dataset: string;
                archive: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/offset+octet-stream": unknown;
            };
        };
        responses: {
            /** @description Stored */
            204: {
                headers: {
                    /** @description Where the next part starts */
                    "Upload-Offset"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getPhoto: {
        parameters: {
            query?: {
                w?: number;
            };
            header?: never;
            path: {
                dataset: string;
                image: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The photo */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/webp": unknown;
                };
            };
            /** @description The client has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    previewGeometry: {
        parameters: {
            query: {
                model: string;
                settings?: string;
            };
            header?: never;
            path: {
                dataset: string;
                image: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The grids, and the way from px of the input to px of the photo */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        image: string;
                        photo: {
                            height: number;
                            width: number;
                        };
                        input: {
                            height: number;
                            width: number;
                        };
                        toPhoto: {
                            y: {
                                scale: number;
                                offset: number;
                            };
                            x: {
                                scale: number;
                                offset: number;
                            };
                        };
                        stride: {
                            y: number;
                            x: number;
                        };
                        grids: {
                            patch: {
                                height: number;
                                width: number;
                            };
                            rows: number;
                            columns: number;
                        }[];
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    previewInput: {
        parameters: {
            query: {
                model: string;
                settings?: string;
                row?: number;
                column?: number;
                grid?: number;
            };
            header?: never;
            path: {
                dataset: string;
                image: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A picture */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": unknown;
                };
            };
            /** @description The client has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            422: components["responses"]["Unprocessable"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listJobs: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                order?: "id" | "newest";
                state?: components["schemas"]["JobState"];
                text?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Job"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    createJob: {
        parameters: {
            query?: {
                dryRun?: "true" | "false";
            };
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JobRequest"];
            };
        };
        responses: {
            /** @description With dryRun: what the job would take */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobEstimate"];
                };
            };
            /** @description The job, which is processed asynchronously: poll it */
            202: {
                headers: {
                    /** @description The job */
                    Location?: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        version: 4;
                        id: string;
                        dataset: string;
                        model: {
                            name: string;
                            digest: string;
                        };
                        settings: components["schemas"]["Settings"];
                        outputs: ("heatmap" | "overlay" | "thumbnail" | "scores" | "predicted-classes" | "attribution")[];
                        rowsPerShard: number | null;
                        priority: number;
                        metadata: {
                            [key: string]: string;
                        };
                        expiresAt: string | null;
                        errorThreshold: number | null;
                        reuse: boolean;
                        keepResultsSeconds: number | null;
                        archivePartBytes: number | null;
                        webhook: {
                            url: string;
                        } | null;
                        interactive: boolean;
                        attempt: number;
                        positionsPerImage: number | null;
                        state: components["schemas"]["JobState"];
                        counts: components["schemas"]["Counts"];
                        /** Format: date-time */
                        createdAt: string;
                        startedAt: string | null;
                        pausedAt: string | null;
                        finalizingAt: string | null;
                        completedAt: string | null;
                        failedAt: string | null;
                        cancellingAt: string | null;
                        cancelledAt: string | null;
                        expiredAt: string | null;
                        ending: {
                            /** @enum {string} */
                            state: "cancelled" | "expired" | "failed";
                            /** Format: date-time */
                            requestedAt: string;
                            error: components["schemas"]["ErrorReport"] | null;
                        } | null;
                        error: components["schemas"]["ErrorReport"] | null;
                        positions: {
                            done: number;
                            total: number | null;
                        };
                        positionsPerSecond: number | null;
                        etaSeconds: number | null;
                        waitingFor: string | null;
                        webhookSecret?: string;
                        warnings?: string[];
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Unprocessable"];
            429: components["responses"]["RateLimitedOrQuotaExceeded"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    cancelJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job, which is processed asynchronously: poll it */
            202: {
                headers: {
                    /** @description The job */
                    Location?: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    pauseJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job, which is processed asynchronously: poll it */
            202: {
                headers: {
                    /** @description The job */
                    Location?: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    resumeJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job, which is processed asynchronously: poll it */
            202: {
                headers: {
                    /** @description The job */
                    Location?: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    retryJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job, which is processed asynchronously: poll it */
            202: {
                headers: {
                    /** @description The job */
                    Location?: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimitedOrQuotaExceeded"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listImages: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                state?: "pending" | "running" | "completed" | "failed";
            };
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Image"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    followJob: {
        parameters: {
            query?: {
                bands?: "true" | "false";
                image?: string;
            };
            header?: {
                "Last-Event-ID"?: string;
            };
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events, until the job has ended or some minutes are over */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
            /** @description The job has ended, and the client has its last event */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimitedOrQuotaExceeded"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listDeliveries: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One entry an event */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: {
                            id: string;
                            event: {
                                /** @enum {string} */
                                type: "job.completed" | "job.failed" | "job.cancelled" | "job.expired";
                                /** Format: date-time */
                                timestamp: string;
                                data: {
                                    job: string;
                                    state: components["schemas"]["JobState"];
                                    counts: components["schemas"]["Counts"];
                                };
                            };
                            /** @enum {string} */
                            state: "pending" | "delivered" | "failed";
                            attempts: {
                                /** Format: date-time */
                                at: string;
                                status: number | null;
                                milliseconds: number;
                                error: string | null;
                            }[];
                        }[];
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    redeliverWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They are posted again */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: {
                            id: string;
                            event: {
                                /** @enum {string} */
                                type: "job.completed" | "job.failed" | "job.cancelled" | "job.expired";
                                /** Format: date-time */
                                timestamp: string;
                                data: {
                                    job: string;
                                    state: components["schemas"]["JobState"];
                                    counts: components["schemas"]["Counts"];
                                };
                            };
                            /** @enum {string} */
                            state: "pending" | "delivered" | "failed";
                            attempts: {
                                /** Format: date-time */
                                at: string;
                                status: number | null;
                                milliseconds: number;
                                error: string | null;
                            }[];
                        }[];
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    rotateWebhookSecret: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    secret?: string;
                    /** @default 86400 */
                    graceSeconds?: number;
                };
            };
        };
        responses: {
            /** @description Deliveries are signed with the new secret, which is returned only once */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        webhookSecret?: string;
                        /** Format: date-time */
                        previousUntil: string;
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getPartialResult: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
                image: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Finished rows; none before the image is started */
            200: {
                headers: {
                    /** @description Seconds to wait before the next request */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        image: string;
                        rows: number | null;
                        grids: {
                            patch: {
                                height: number;
                                width: number;
                            };
                            rows: number;
                            columns: number;
                        }[];
                        predicted: {
                            index: number;
                            label: string;
                            probability: number;
                            aboveThreshold?: boolean;
                        } | null;
                        targets: {
                            index: number;
                            label: string;
                            score: number;
                        }[];
                        bands: {
                            rowStart: number;
                            rowEnd: number;
                            /** Format: base64 */
                            scores: string;
                            /** Format: base64 */
                            predictedClasses: string;
                        }[];
                    };
                };
            };
            /** @description The image is finished */
            303: {
                headers: {
                    /** @description Its final result */
                    Location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getPartialPicture: {
        parameters: {
            query?: {
                target?: number;
                grid?: number;
            };
            header?: never;
            path: {
                job: string;
                image: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A picture */
            200: {
                headers: {
                    /** @description Seconds to wait before the next request */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "image/png": unknown;
                };
            };
            /** @description The image is finished */
            303: {
                headers: {
                    /** @description Its final result */
                    Location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    explainImage: {
        parameters: {
            query?: {
                model?: string;
                settings?: string;
                deadlineSeconds?: number;
                picture?: "overlay" | "heatmap";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    model?: string;
                    /** @default {} */
                    settings?: string;
                    /** @default 30 */
                    deadlineSeconds?: number;
                    /**
                     * @default overlay
                     * @enum {string}
                     */
                    picture?: "overlay" | "heatmap";
                    /** Format: binary */
                    image: string;
                };
                "image/*": unknown;
                "application/octet-stream": unknown;
            };
        };
        responses: {
            /** @description The result and the paths of its files; or the picture */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        job: string;
                        result: components["schemas"]["ImageResult"];
                        files: {
                            name: string;
                            path: string;
                        }[];
                    };
                    "image/png": unknown;
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["ConflictOrCancelled"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UnprocessableOrPoison"];
            429: components["responses"]["RateLimitedOrQuotaExceeded"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["IntegrityOrInternal"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["DeadlineExceeded"];
        };
    };
    getResultFile: {
        parameters: {
            query?: {
                redirect?: "true" | "false";
            };
            header?: {
                Range?: string;
                "If-Range"?: string;
            };
            path: {
                job: string;
                image: string;
                file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    /** @description Entity tag of a file that is drawn, for If-None-Match and If-Range */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageResult"];
                    "image/png": unknown;
                    "image/webp": unknown;
                    "application/octet-stream": unknown;
                };
            };
            /** @description The requested range of a file that is drawn */
            206: {
                headers: {
                    /** @description Entity tag of a file that is drawn, for If-None-Match and If-Range */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "image/png": unknown;
                    "image/webp": unknown;
                    "application/octet-stream": unknown;
                };
            };
            /** @description A redirect to the store */
            302: {
                headers: {
                    /** @description A URL that is valid for some minutes */
                    Location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The client has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            416: components["responses"]["RangeNotSatisfiable"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getArchive: {
        parameters: {
            query?: {
                redirect?: "true" | "false";
                include?: string;
            };
            header?: {
                Range?: string;
                "If-Range"?: string;
            };
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The whole file */
            200: {
                headers: {
                    /** @description Entity tag of the content, for If-Range */
                    ETag?: string;
                    /** @description SHA-256 of the whole file (RFC 9530) */
                    "Repr-Digest"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": unknown;
                };
            };
            /** @description The requested range */
            206: {
                headers: {
                    /** @description Entity tag of the content, for If-Range */
                    ETag?: string;
                    /** @description SHA-256 of the whole file (RFC 9530) */
                    "Repr-Digest"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": unknown;
                };
            };
            /** @description A redirect to the store */
            302: {
                headers: {
                    /** @description A URL that is valid for some minutes */
                    Location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            416: components["responses"]["RangeNotSatisfiable"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listArchives: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All archives, in the order of their images */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: {
                            name: string;
                            bytes: number;
                            sha256: string | null;
                            images: number;
                            path: string;
                        }[];
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getArchivePart: {
        parameters: {
            query?: {
                redirect?: "true" | "false";
            };
            header?: {
                Range?: string;
                "If-Range"?: string;
            };
            path: {
                job: string;
                part: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The whole file */
            200: {
                headers: {
                    /** @description Entity tag of the content, for If-Range */
                    ETag?: string;
                    /** @description SHA-256 of the whole file (RFC 9530) */
                    "Repr-Digest"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": unknown;
                };
            };
            /** @description The requested range */
            206: {
                headers: {
                    /** @description Entity tag of the content, for If-Range */
                    ETag?: string;
                    /** @description SHA-256 of the whole file (RFC 9530) */
                    "Repr-Digest"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": unknown;
                };
            };
            /** @description A redirect to the store */
            302: {
                headers: {
                    /** @description A URL that is valid for some minutes */
                    Location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            416: components["responses"]["RangeNotSatisfiable"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listErrors: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One line an image */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/jsonl": unknown;
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getGeometry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
                image: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The grids, and the way from px of the input to px of the photo */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        image: string;
                        photo: {
                            height: number;
                            width: number;
                        };
                        input: {
                            height: number;
                            width: number;
                        };
                        toPhoto: {
                            y: {
                                scale: number;
                                offset: number;
                            };
                            x: {
                                scale: number;
                                offset: number;
                            };
                        };
                        stride: {
                            y: number;
                            x: number;
                        };
                        grids: {
                            patch: {
                                height: number;
                                width: number;
                            };
                            rows: number;
                            columns: number;
                        }[];
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listRows: {
        parameters: {
            query?: {
                /** @description A field, with `-` before it for the largest first; rows without a value come last */
                sort?: string;
                /** @description `FIELD OP VALUE` without spaces, OP one of `= != < <= > >= ~` (contains, in any case); of several, all must hold */
                where?: string[] | string;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["ImageRow"][];
                        next_cursor: string | null;
                        total: number;
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getRowFacets: {
        parameters: {
            query?: {
                /** @description `FIELD OP VALUE` without spaces, OP one of `= != < <= > >= ~` (contains, in any case); of several, all must hold */
                where?: string[] | string;
                /** @description Values of each facet, the most frequent first */
                limit?: number;
            };
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The counts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RowFacets"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getRowsCsv: {
        parameters: {
            query?: {
                /** @description A field, with `-` before it for the largest first; rows without a value come last */
                sort?: string;
                /** @description `FIELD OP VALUE` without spaces, OP one of `= != < <= > >= ~` (contains, in any case); of several, all must hold */
                where?: string[] | string;
            };
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The table */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/csv": unknown;
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getRowsJsonl: {
        parameters: {
            query?: {
                /** @description A field, with `-` before it for the largest first; rows without a value come last */
                sort?: string;
                /** @description `FIELD OP VALUE` without spaces, OP one of `= != < <= > >= ~` (contains, in any case); of several, all must hold */
                where?: string[] | string;
            };
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The table */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/jsonl": unknown;
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getRowsParquet: {
        parameters: {
            query?: {
                /** @description A field, with `-` before it for the largest first; rows without a value come last */
                sort?: string;
                /** @description `FIELD OP VALUE` without spaces, OP one of `= != < <= > >= ~` (contains, in any case); of several, all must hold */
                where?: string[] | string;
            };
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The table */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/vnd.apache.parquet": unknown;
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    compareJobs: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
                other: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The counts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        matchedBy: "image" | "photo";
                        isSameModel: boolean;
                        isSameScore: boolean;
                        both: number;
                        onlyJob: number;
                        onlyOther: number;
                        completed: number;
                        predictedChanged: number;
                        rightToWrong: number;
                        wrongToRight: number;
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listComparedRows: {
        parameters: {
            query?: {
                /** @description A field, with `-` before it for the largest first; rows without a value come last */
                sort?: string;
                /** @description `FIELD OP VALUE` without spaces, OP one of `= != < <= > >= ~` (contains, in any case); of several, all must hold */
                where?: string[] | string;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                job: string;
                other: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: {
                            id: string;
                            index: number;
                            name: string;
                            label: (number | string) | null;
                            /** @enum {string} */
                            state: "pending" | "running" | "completed" | "failed";
                            error: components["schemas"]["ErrorReport"] | null;
                            predicted: {
                                index: number;
                                label: string;
                                probability: number;
                                aboveThreshold?: boolean;
                            } | null;
                            isRight: boolean | null;
                            top: {
                                index: number;
                                label: string;
                                probability: number;
                            }[] | null;
                            target: {
                                index: number;
                                label: string;
                            } | null;
                            score: number | null;
                            drop: number | null;
                            lowest: {
                                grid: number;
                                row: number;
                                column: number;
                                box: {
                                    top: number;
                                    left: number;
                                    bottom: number;
                                    right: number;
                                } | null;
                            } | null;
                            flips: number | null;
                            flippedShare: number | null;
                            borderShare: number | null;
                            seconds: number | null;
                            width: number;
                            height: number;
                            other: components["schemas"]["ImageRow"];
                            difference: {
                                change: number | null;
                                predicted: boolean | null;
                                target: boolean | null;
                                score: number | null;
                                drop: number | null;
                                distance: number | null;
                                distanceShare: number | null;
                            };
                        }[];
                        next_cursor: string | null;
                        total: number;
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getReportStatus: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How far it is */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReportStatus"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    requestReport: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ReportOptionsInput"];
            };
        };
        responses: {
            /** @description How far it is: poll it */
            202: {
                headers: {
                    /** @description Its status */
                    Location?: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReportStatus"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteReport: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getReport: {
        parameters: {
            query?: never;
            header?: {
                Range?: string;
                "If-Range"?: string;
            };
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The report */
            200: {
                headers: {
                    /** @description Entity tag of the content, for If-None-Match and If-Range */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobReport"];
                };
            };
            /** @description The requested range */
            206: {
                headers: {
                    /** @description Entity tag of the content, for If-None-Match and If-Range */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description The client has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            416: components["responses"]["RangeNotSatisfiable"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getReportTable: {
        parameters: {
            query?: never;
            header?: {
                Range?: string;
                "If-Range"?: string;
            };
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The table */
            200: {
                headers: {
                    /** @description Entity tag of the content, for If-None-Match and If-Range */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/vnd.apache.parquet": unknown;
                };
            };
            /** @description The requested range */
            206: {
                headers: {
                    /** @description Entity tag of the content, for If-None-Match and If-Range */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/vnd.apache.parquet": unknown;
                };
            };
            /** @description The client has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            416: components["responses"]["RangeNotSatisfiable"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getReportPage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    /** @description Entity tag of the content, for If-None-Match and If-Range */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description The client has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getReportCrop: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
                image: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The patch */
            200: {
                headers: {
                    /** @description Entity tag of the content, for If-None-Match and If-Range */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "image/webp": unknown;
                };
            };
            /** @description The client has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            416: components["responses"]["RangeNotSatisfiable"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    compareReports: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
                other: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What differs, this job's numbers (b) minus the other's (a) */
            200: {
                headers: {
                    /** @description Entity tag of the content, for If-None-Match */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReportDifference"];
                };
            };
            /** @description The client has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listTrials: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Trial"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    createTrial: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TrialOptionsInput"];
            };
        };
        responses: {
            /** @description The trial, which is run asynchronously: poll it */
            202: {
                headers: {
                    /** @description The trial */
                    Location?: string;
                    /** @description Seconds to wait before the next request */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Trial"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimitedOrQuotaExceeded"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getTrial: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
                trial: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The trial */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Trial"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    cancelTrial: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
                trial: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The trial, which ends soon */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Trial"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getInput: {
        parameters: {
            query?: {
                row?: number;
                column?: number;
                grid?: number;
            };
            header?: never;
            path: {
                job: string;
                image: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A picture */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": unknown;
                };
            };
            /** @description The client has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getReceptiveField: {
        parameters: {
            query: {
                layer: string;
                unit?: string;
            };
            header?: never;
            path: {
                job: string;
                image: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A picture */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": unknown;
                };
            };
            /** @description The client has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getActivations: {
        parameters: {
            query: {
                cell?: number;
                page?: number;
                layer: string;
            };
            header?: never;
            path: {
                job: string;
                image: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A picture */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": unknown;
                };
            };
            /** @description The client has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listModels: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every model */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Model"][];
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    uploadModel: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /** Format: binary */
                    model: string;
                    description: {
                        name: string;
                        size?: {
                            height: number;
                            width: number;
                        };
                        /** @enum {string} */
                        layout?: "NCHW" | "NHWC";
                        /** @enum {string} */
                        channels?: "RGB" | "BGR" | "L";
                        scale?: number;
                        mean?: number[];
                        std?: number[];
                        resize?: {
                            /** @enum {string} */
                            rule: "crop" | "fit" | "squash";
                            shorterSide?: number;
                        };
                        /** @enum {string} */
                        interpolation?: "bilinear" | "bicubic";
                        /** @enum {string} */
                        output?: "logits" | "probabilities" | "independent-logits" | "independent-probabilities";
                        outputName?: string;
                        positive?: string;
                        negative?: string;
                        threshold?: number;
                        licence?: string;
                        source?: string;
                    };
                    /** Format: binary */
                    labels?: string;
                };
            };
        };
        responses: {
            /** @description The tenant had it already */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelDetail"];
                };
            };
            /** @description Checked, and ready for jobs */
            201: {
                headers: {
                    /** @description The model */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelDetail"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Unprocessable"];
            429: components["responses"]["RateLimitedOrQuotaExceeded"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getModel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The model */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelDetail"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteModel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    retryModel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The model */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Model"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listLayers: {
        parameters: {
            query?: {
                size?: string;
            };
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every layer */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LayerList"];
                };
            };
            /** @description The client has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getFilters: {
        parameters: {
            query?: {
                cell?: number;
                page?: number;
                mode?: "rgb" | "channels" | "collated";
                scale?: "layer" | "own";
            };
            header?: never;
            path: {
                model: string;
                layer: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A picture */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": unknown;
                };
            };
            /** @description The client has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            /** @description Request Header Fields Too Large: path, query and headers beyond 16 KiB */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getFilterArray: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
                layer: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description An NPY file, float32 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            /** @description The client has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    whoAmI: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who asks */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Identity"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    logIn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who is logged in */
            200: {
                headers: {
                    /** @description The session; absent where the service asks for no key */
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Identity"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    logOut: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description There is no session any more */
            204: {
                headers: {
                    /** @description Has the browser forget its session */
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidInput"];
            403: components["responses"]["Forbidden"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    listWorkers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Workers with a recent heartbeat */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Worker"][];
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getQueue: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The queue */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Queue"];
                };
            };
            400: components["responses"]["InvalidInput"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Yes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        status: "ok";
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Yes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        status: "ready";
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getDocument: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            400: components["responses"]["InvalidInput"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    getDocs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            400: components["responses"]["InvalidInput"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
}
