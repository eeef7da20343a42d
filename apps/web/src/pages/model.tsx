import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { Link, useSearchParams } from 'wouter';
import { getModel, type LayerList, listLayers, type ModelDetail } from '../api/models.js';
import { formatModelView, type ModelView, parseModelView } from '../lib/model-view.js';
import { PageHead } from '../parts/page-head.js';
import { Loading, Trouble } from '../parts/states.js';
import { LayerTable } from './layer-table.js';
import { LayerView } from './layer-view.js';
import { ModelFacts, SetAsideNotice } from './model-facts.js';

/** Reads what is looked at from the address, and writes it there. */
function useModelView(): [ModelView, (change: Partial<ModelView>) => void] {
  const [search, setSearch] = useSearchParams();
  const view = useMemo(() => parseModelView(search), [search]);
  return [view, (change) => setSearch(formatModelView({ ...view, ...change }), { replace: true })];
}

/** A model: what it is, its layers, and each of them looked into. */
export function ModelPage({ name }: { readonly name: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['model', name],
    queryFn: ({ signal }) => getModel(name, signal),
    staleTime: 60_000,
  });
  return (
    <>
      <PageHead title={name} lead={<Link href="/models">All models</Link>}>
        <Link className="button" href={`/?model=${encodeURIComponent(name)}`}>
          Explain a photo with it
        </Link>
      </PageHead>
      {data === undefined && error === null && <Loading what="the model" />}
      {data === undefined && error !== null && (
        <Trouble error={error} onRetry={() => void refetch()} />
      )}
      {data !== undefined && (
        <>
          <SetAsideNotice model={data} />
          <ModelFacts model={data} />
          <ModelLayers model={data} />
        </>
      )}
    </>
  );
}

function ModelLayers({ model }: { readonly model: ModelDetail }) {
  const [view, change] = useModelView();
  const { name, digest } = model;
  const { data, error, refetch } = useQuery({
    queryKey: ['layers', name, digest, view.size],
    queryFn: ({ signal }) => listLayers(name, view.size ?? undefined, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <section aria-labelledby="layers">
      <h2 id="layers" className="section-title">
        Layers
      </h2>
      <p className="lead">
        A map shows from outside what a decision rests on. The second way to look into a network is
        from inside: which patterns its filters look for, what they answer to a photo, and how much
        of it one of their numbers can see, its receptive field.
      </p>
      {data === undefined && error === null && <Loading what="the layers" />}
      {error !== null && <Trouble error={error} onRetry={() => void refetch()} />}
      {error !== null && view.size !== null && (
        <button type="button" className="button more" onClick={() => change({ size: null })}>
          Show the layers for the model’s own input
        </button>
      )}
      {data !== undefined && error === null && (
        <>
          <LayerTable list={data} view={view} change={change} />
          <ChosenLayer model={model} list={data} view={view} change={change} />
        </>
      )}
    </section>
  );
}

type ChosenLayerProps = {
  readonly model: ModelDetail;
  readonly list: LayerList;
  readonly view: ModelView;
  readonly change: (change: Partial<ModelView>) => void;
};

function ChosenLayer({ model, list, view, change }: ChosenLayerProps) {
  const layer = list.layers.find(({ name }) => name === view.layer);
  if (layer !== undefined) {
    return <LayerView key={layer.name} {...{ model, list, layer, view, change }} />;
  }
  return (
    <p className="note layer-hint" role={view.layer === null ? undefined : 'alert'}>
      {view.layer === null
        ? 'Choose a layer to see its receptive field, its filters and what it answers to a photo.'
        : `This model has no layer '${view.layer}'.`}
    </p>
  );
}
